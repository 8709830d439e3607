import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { KnownRoute } from '../../platform/http/known-routes.js';
import { openApiDocument, undescribedRoutes } from '../../platform/http/openapi.js';
import type { OperationDescription } from '../../platform/http/operation.js';
import { API_INFO } from './api-info.js';
import { CACHED } from './html-page.js';

const OPERATION: OperationDescription = {
  id: 'getApiDocument',
  tag: 'Documentation',
  summary: 'This document: OpenAPI 3.1',
  answers: { 200: { description: 'The document', body: z.looseObject({ openapi: z.string() }) } },
  asksStores: false,
};

/** `GET /openapi.json`. The server does not start with a route that nobody has described: a client could not know of it. */
export function registerApiDocument(server: FastifyInstance, routes: readonly KnownRoute[]): void {
  server.addHook('onReady', (done) => {
    const missing = undescribedRoutes(routes);
    done(missing.length > 0 ? new Error(`Bug: routes without a description: ${missing.join(', ')}`) : undefined);
  });
  let document: string | undefined;
  server.get('/openapi.json', { config: { access: 'public', operation: OPERATION } }, (_, reply) => {
    document ??= JSON.stringify(openApiDocument(routes, API_INFO));
    return reply.type('application/json; charset=utf-8').header('cache-control', CACHED).send(document);
  });
}
