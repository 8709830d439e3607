import { Controller, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import { Access, Operation } from '../../src/platform/http/access.js';
import { TokenVerifier } from '../../src/platform/http/access-token.js';
import { createHttpAdapter } from '../../src/platform/http/http-adapter.js';
import { IDEMPOTENCY_KEY } from '../../src/platform/http/idempotency-key.js';
import type { KnownRoute } from '../../src/platform/http/known-routes.js';
import { openApiDocument } from '../../src/platform/http/openapi.js';
import type { OperationDescription } from '../../src/platform/http/operation.js';
import { registerApiDocument } from '../../src/pages/api-docs/api-document.js';
import { ApiDocument, type OpenApiDocument } from '../support/api-document.js';
import { ODD, SECRET } from './tiny-app.js';

const INFO = { title: 'Tiny', version: '1', description: '' };

const describing = (more: Partial<OperationDescription> = {}): OperationDescription => ({
  id: 'doThing',
  tag: 'Things',
  summary: 'Do a thing',
  answers: { 200: { description: 'Done' } },
  ...more,
});

const aRoute = (operation: OperationDescription, more: Partial<KnownRoute> = {}): KnownRoute => ({
  method: 'GET',
  url: '/things',
  ...more,
  config: { access: 'public', ...more.config, operation },
});

const describedAs = (...routes: KnownRoute[]) =>
  new ApiDocument(openApiDocument(routes, INFO) as unknown as OpenApiDocument);

const problemsOf = (route: KnownRoute) =>
  [...JSON.stringify(openApiDocument([route], INFO).paths).matchAll(/"\/problems\/([a-z-]+)"/g)]
    .map(([, slug]) => slug)
    .sort();

describe('describing routes', () => {
  describe('a server', () => {
    const aServer = () => {
      const adapter = createHttpAdapter({
        tokens: new TokenVerifier({ secrets: [SECRET] }),
        reportBug: () => undefined,
      });
      const server = adapter.getInstance();
      registerApiDocument(server, adapter.routes);
      return server;
    };

    it('does not start while a route says nothing of itself, and names it', async () => {
      const server = aServer();
      server.put('/things/:id', { config: { access: 'public' } }, () => null);
      server.get('/described', { config: { operation: describing() } }, () => null);
      server.get('/page', { config: { operation: 'page' } }, () => null);
      await expect(server.ready()).rejects.toThrow('Bug: routes without a description: PUT /things/:id');
      await server.close();
    });

    it('finds routes of a plugin that is registered later', async () => {
      const server = aServer();
      void server.register((scope, _, done) => {
        scope.get('/late', () => null);
        done();
      });
      await expect(server.ready()).rejects.toThrow('GET /late');
      await server.close();
    });
  });

  describe('a document', () => {
    const ALWAYS = ['draining', 'internal', 'overloaded', 'rate-limited', 'uri-too-long'];

    it('adds the problems that follow from who may call', () => {
      const quiet = describing({ asksStores: false });
      expect(problemsOf(aRoute(quiet))).toEqual(ALWAYS);
      const buyer = aRoute(quiet, { config: { access: 'buyer' } });
      expect(problemsOf(buyer)).toEqual([...ALWAYS, 'invalid-token', 'unauthenticated'].sort());
      const admin = aRoute(quiet, { config: { access: 'admin' } });
      expect(problemsOf(admin)).toEqual([...ALWAYS, 'forbidden', 'invalid-token', 'unauthenticated'].sort());
    });

    it('adds those that follow from path, query, body and headers, beside those of the route', () => {
      const route = aRoute(
        describing({
          query: z.strictObject({ page: z.string() }),
          headers: { 'Idempotency-Key': IDEMPOTENCY_KEY },
          body: z.strictObject({ name: z.string() }),
          problems: [ODD],
        }),
        { method: 'POST', url: '/things/:id' },
      );
      expect(problemsOf(route)).toEqual(
        [
          ...ALWAYS, 'store-unavailable', 'invalid-id', 'invalid-query', 'odd-thing',
          'idempotency-key-invalid', 'idempotency-key-missing', 'idempotency-key-reused',
          'body-too-large', 'invalid-body', 'invalid-field', 'malformed-json', 'request-timeout', 'unknown-field', 'unsupported-media-type',
        ].sort(), // prettier-ignore
      );
    });

    it('tells a query as it is understood, and what may be left out of it', () => {
      const limit = z.string().regex(/^\d+$/).transform(Number).pipe(z.int().max(9)).default(5); // prettier-ignore
      const { document } = describedAs(aRoute(describing({ query: z.strictObject({ limit, name: z.string() }) })));
      expect(document.paths['/things']?.get?.parameters).toMatchObject([
        { name: 'limit', in: 'query', required: false, schema: { type: 'integer', maximum: 9, default: 5 } },
        { name: 'name', in: 'query', required: true, schema: { type: 'string' } },
      ]);
    });

    it('has a schema with an id once, wherever it is used, and refers to it', () => {
      const thing = z.object({ name: z.string() }).meta({ id: 'Thing' });
      const one = describing({ answers: { 200: { description: 'One', body: thing } } });
      const all = describing({ answers: { 200: { description: 'All', body: z.object({ things: z.array(thing) }) } } });
      const api = describedAs(aRoute(all), aRoute(one, { url: '/things/:id' }));
      expect(api.document.components.schemas.Thing).toMatchObject({ properties: { name: { type: 'string' } } });
      expect(JSON.stringify(api.document.paths).match(/"\$ref":"#\/components\/schemas\/Thing"/g)).toHaveLength(2);
      const ofAll = ['paths', '/things', 'get', 'responses', '200', 'content', 'application/json', 'schema'];
      expect(api.mistakeAt(ofAll, { things: [{ name: 'a' }] })).toBeUndefined();
      expect(api.mistakeAt(ofAll, { things: [{ name: 7 }] })).toContain('must be string');
    });
  });

  it('a handler keeps what it says of itself beside what its controller says of all', async () => {
    @Access('buyer')
    @Controller()
    class Things {
      @Get('things')
      @Operation(describing())
      list(): void {}

      @Operation(describing())
      @Access('public', { rawBody: true })
      @Post('things')
      create(): void {}
    }
    const { FASTIFY_ROUTE_CONFIG_METADATA } = await import('@nestjs/platform-fastify/constants.js');
    const configOf = (name: 'list' | 'create'): unknown =>
      Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, Reflect.get(Things.prototype, name));
    expect(configOf('list')).toEqual({ access: 'buyer', operation: describing() });
    expect(configOf('create')).toEqual({ access: 'public', rawBody: true, operation: describing() });
  });
});
