import type { FastifyInstance } from 'fastify';
import { TokenVerifier } from '../../src/platform/http/access-token.js';
import { createHttpAdapter } from '../../src/platform/http/http-adapter.js';
import { readPageFiles } from '../../src/pages/page-files.js';
import { registerPages } from '../../src/pages/page-routes.js';
import { SECRET } from './tiny-app.js';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const files = readPageFiles();
const paths = files.map(({ path }) => path);

let server: FastifyInstance;
beforeAll(async () => {
  const adapter = createHttpAdapter({
    tokens: new TokenVerifier({ secrets: [SECRET] }),
    reportBug: (error) => {
      throw error;
    },
  });
  server = adapter.getInstance<FastifyInstance>();
  registerPages(server, files);
  await server.ready();
});
afterAll(() => server.close());

describe('the pages', () => {
  it('are a shop, operations, and what these two load', () => {
    expect(paths).toEqual(
      expect.arrayContaining(['/', '/ops', '/assets/shop.mjs', '/assets/ops.mjs', '/assets/base.css']),
    );
    expect(paths.filter((path) => !/^\/(ops|assets\/[\w-]+\.(mjs|css|svg))?$/.test(path))).toEqual([]);
  });

  it.each(paths)(
    '%s is given to everybody, with a strict policy, and is taken for nothing but what it is',
    async (url) => {
      const answer = await server.inject({ url });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
        'content-type': expect.stringMatching(/^(text\/(html|css|javascript); charset=utf-8|image\/svg\+xml)$/),
        etag: expect.stringMatching(/^"[\w-]+"$/),
      });
      expect(answer.rawPayload.length).toBeGreaterThan(100);
    },
  );

  it('are not sent again to who has them, under either kind of tag', async () => {
    const { etag } = (await server.inject({ url: '/' })).headers as { etag: string };
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await server.inject({ url: '/', headers: { 'if-none-match': tag } });
      expect([answer.statusCode, answer.payload, answer.headers.etag]).toEqual([304, '', etag]);
    }
    expect((await server.inject({ url: '/', headers: { 'if-none-match': '"other"' } })).statusCode).toBe(200);
  });

  it('have tags of their own', () => {
    expect(new Set(files.map(({ etag }) => etag)).size).toBe(files.length);
  });

  it('can be looked at and not be changed', async () => {
    const head = await server.inject({ method: 'HEAD', url: '/ops' });
    expect([head.statusCode, head.payload]).toEqual([200, '']);
    const post = await server.inject({ method: 'POST', url: '/ops' });
    expect([post.statusCode, post.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect((await server.inject({ url: '/assets/tsconfig.json' })).statusCode).toBe(404);
  });
});
