import type { FastifyInstance } from 'fastify';
import { hasAlready } from '../platform/http/preconditions.js';
import type { PageFile } from './page-files.js';

/**
 * Nothing from elsewhere, nothing inline, no frame around it, and no form that a browser would send by itself. So even
 * text of an attacker that became part of a page could neither run nor call home.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache', // may be stored, and is asked for each time: a page and its scripts are of one version
};

/** `GET` and `HEAD` of every file, for everybody; who may do what is decided where the pages call the API. */
export function registerPages(server: FastifyInstance, files: readonly PageFile[]): void {
  for (const { path, type, etag, body } of files) {
    server.get(path, { config: { access: 'public', operation: 'page' } }, (request, reply) => {
      reply.headers({ ...HEADERS, etag });
      if (hasAlready(request.headers['if-none-match'], etag)) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
}
