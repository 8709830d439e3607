import { z } from 'zod';
import type { KnownRoute } from './known-routes.js';
import { openApiOperation } from './openapi-operation.js';
import { DocumentSchemas } from './openapi-schemas.js';
import { problemTypes } from './problem.js';

/** What a document says of the whole API: OpenAPI's `info`. */
export interface ApiInfo {
  readonly title: string;
  readonly version: string;
  /** Markdown. */
  readonly description: string;
}

/** Routes that say neither what they are nor that they are a page, such as `PUT /things/:id`. A HEAD is described by its GET. */
export const undescribedRoutes = (routes: readonly KnownRoute[]): string[] =>
  routes
    .filter(({ method, config }) => method !== 'HEAD' && config?.operation === undefined)
    .map(({ url, method }) => `${[method].flat().join(',')} ${url}`);

/**
 * The OpenAPI 3.1 document of all routes that describe themselves, with all that each may answer. What follows from access, path, query,
 * body and headers is added here, so a route says only what is its own.
 */
export function openApiDocument(routes: readonly KnownRoute[], info: ApiInfo): Record<string, unknown> {
  const schemas = new DocumentSchemas();
  const paths: Record<string, Record<string, unknown>> = {};
  const tags = new Set<string>();
  for (const route of routes) {
    const operation = route.config?.operation;
    if (operation === undefined || operation === 'page' || route.method === 'HEAD') continue;
    const path = (paths[route.url.replace(/:(\w+)/g, '{$1}')] ??= {});
    path[String(route.method).toLowerCase()] = openApiOperation(route, operation, schemas);
    tags.add(operation.tag);
  }
  const problem = schemas.of(problemShape(), 'output');
  return {
    openapi: '3.1.1',
    info,
    tags: [...tags].map((name) => ({ name })),
    paths: Object.fromEntries(Object.entries(paths).sort(([one], [other]) => one.localeCompare(other))),
    components: {
      schemas: { ...schemas.components, Problem: problem },
      headers: { 'X-Request-Id': { description: 'The id of the request', required: true, schema: { type: 'string' } } },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

/** RFC 9457, with the types that are declared by now: all of them, once the program is assembled. */
function problemShape(): z.ZodType {
  const [first, ...others] = problemTypes().map(({ slug }) => `/problems/${slug}`);
  return z.object({
    type: z.enum([first as string, ...others]),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What was wrong this time' }),
    instance: z.string().meta({ description: 'The id of the request, as in `X-Request-Id`' }),
    errors: z
      .array(z.object({ pointer: z.string().meta({ description: 'JSON Pointer (RFC 6901)' }), detail: z.string() }))
      .optional(),
  });
}
