import type { KnownRoute } from './known-routes.js';
import type { DocumentSchemas } from './openapi-schemas.js';
import type { AnswerDescription, AnswerHeader, OperationDescription } from './operation.js';
import { HEADERS_OF_STATUS, problemsOf } from './operation-problems.js';
import type { ProblemType } from './problem.js';
import { identifier } from './shapes.js';

type Json = Record<string, unknown>;

/** What the document says of one route. */
export function openApiOperation(route: KnownRoute, operation: OperationDescription, schemas: DocumentSchemas): Json {
  const { id, tag, summary, description, body } = operation;
  const { access = 'admin' } = route.config ?? {};
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    ...(access !== 'public' && { security: [{ bearer: [access] }] }),
    parameters: parametersOf(route, operation, schemas),
    ...(body && { requestBody: { required: true, content: jsonOf(schemas.of(body, 'input')) } }),
    responses: responsesOf(operation, problemsOf(route, operation), schemas),
  };
}

function parametersOf({ url }: KnownRoute, operation: OperationDescription, schemas: DocumentSchemas): Json[] {
  const { params = {}, query, headers = {} } = operation;
  const inPath = [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: schemas.of(params[name] ?? identifier, 'input'),
  }));
  const inHeaders = Object.entries(headers).map(([name, { description, required, shape }]) => ({
    name,
    in: 'header',
    required,
    description,
    schema: schemas.of(shape, 'input'),
  }));
  return [...inPath, ...(query ? queryOf(query, schemas) : []), ...inHeaders];
}

/** What a parameter may be is told as it is understood (`limit` is a number), and whether it may be left out as it is sent. */
function queryOf(query: NonNullable<OperationDescription['query']>, schemas: DocumentSchemas): Json[] {
  const { required = [] } = schemas.of(query, 'input') as { required?: string[] };
  return Object.entries(query.shape).map(([name, shape]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: schemas.of(shape as typeof query, 'output'),
  }));
}

function responsesOf({ answers }: OperationDescription, problems: ProblemType[], schemas: DocumentSchemas): Json {
  const responses: Record<string, Json> = {};
  for (const [status, answer] of Object.entries(answers)) responses[status] = responseOf(answer, schemas);
  for (const status of new Set(problems.map((type) => type.status))) {
    const types = problems.filter((type) => type.status === status);
    const other = responses[status] as { description: string; content?: Json } | undefined; // no success, and no problem either
    const lines = types.map(({ slug, title }) => `\`${slug}\`: ${title}.`);
    responses[status] = {
      description: [...(other ? [other.description] : []), ...lines].join('  \n'),
      headers: headersOf(other ? {} : (HEADERS_OF_STATUS[status] ?? {})),
      content: { ...other?.content, 'application/problem+json': { schema: problemOf(types) } },
    };
  }
  return responses;
}

const problemOf = (types: ProblemType[]): Json => ({
  $ref: '#/components/schemas/Problem',
  properties: { type: { enum: types.map(({ slug }) => `/problems/${slug}`) }, status: { const: types[0]?.status } },
});

function responseOf({ description, body, text, headers = {} }: AnswerDescription, schemas: DocumentSchemas): Json {
  const content = {
    ...(body && jsonOf(schemas.of(body, 'output'))),
    ...(text && { [text]: { schema: { type: 'string' } } }),
  };
  return { description, headers: headersOf(headers), ...((body ?? text) && { content }) };
}

const jsonOf = (schema: unknown): Json => ({ 'application/json': { schema } });

const headersOf = (headers: Readonly<Record<string, AnswerHeader>>): Json => ({
  'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
  ...Object.fromEntries(
    Object.entries(headers).map(([name, { shape = { type: 'string' }, ...rest }]) => [
      name,
      { ...rest, schema: shape },
    ]),
  ),
});
