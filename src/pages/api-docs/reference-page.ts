import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';
import type { OperationDescription } from '../../platform/http/operation.js';
import { Problem } from '../../platform/http/problem.js';
import { NOT_FOUND } from '../../platform/http/problems.js';
import { CACHED } from './html-page.js';

/**
 * Swagger UI as Fastify's package has it: the two files that a page needs in 2.8 MB, where swagger-ui-dist has 12 MB with its source maps,
 * and Scalar's package wants Node 22. Its plugin is left alone: it stands on a second generator of documents.
 */
const { resolve } = createRequire(import.meta.url);
const fileOf = (name: string): Buffer => readFileSync(resolve(`@fastify/swagger-ui/static/${name}`));

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: null });`;

const PAGE = (version: string): string => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>The API – Stampede</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/reference.css?v=${version}"></head>
<body><div id="reference"></div>
<script src="/docs/reference.js?v=${version}"></script><script src="/docs/start.js?v=${version}"></script></body></html>`;

/** Everything comes from here, and calls go nowhere else. Swagger UI's icons are data. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const OPERATION: OperationDescription = {
  id: 'getReferencePage',
  tag: 'Documentation',
  summary: 'This document as a page',
  answers: { 200: { description: 'The page', text: 'text/html' } },
  asksStores: false,
};

/** `GET /docs`, and what the page is made of. */
export function registerReferencePage(server: FastifyInstance): void {
  const assets = new Map([
    ['reference.css', { type: 'text/css; charset=utf-8', content: fileOf('swagger-ui.css') }],
    ['reference.js', { type: 'text/javascript; charset=utf-8', content: fileOf('swagger-ui-bundle.js') }],
    ['start.js', { type: 'text/javascript; charset=utf-8', content: Buffer.from(START) }],
  ]);
  const hash = createHash('sha256');
  for (const { content } of assets.values()) hash.update(content);
  const page = PAGE(hash.digest('hex').slice(0, 12));

  server.get('/docs', { config: { access: 'public', operation: OPERATION } }, (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', CACHED)
      .header('content-security-policy', POLICY)
      .send(page),
  );
  const config = { access: 'public' as const, operation: 'page' as const };
  server.get<{ Params: { asset: string } }>('/docs/:asset', { config }, (request, reply) => {
    const asset = assets.get(request.params.asset);
    if (!asset) throw new Problem(NOT_FOUND, 'The page has no such part.');
    return reply.type(asset.type).header('cache-control', 'public, max-age=31536000, immutable').send(asset.content);
  });
}
