import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { TokenVerifier } from './access-token.js';
import type { KnownRoutes } from './known-routes.js';
import { Problem } from './problem.js';
import { DRAINING, FORBIDDEN, METHOD_NOT_ALLOWED, NOT_FOUND, UNSUPPORTED_MEDIA_TYPE, URI_TOO_LONG } from './problems.js';

/**
 * Everything that is decided about a request before its body is read, in this order: address, method, credentials, content type.
 *
 * Promises:  a route that says nothing is for admins; a body that is no plain JSON reaches only routes that want raw bytes.
 * Does not:  know who may see what within a route; that is the handler's matter.
 */

/** Longer than any address this API serves, cursors included. */
export const URL_LENGTH_MAX = 2048;

export interface Admission {
  readonly tokens: TokenVerifier;
  readonly routes: KnownRoutes;
  readonly isDraining: () => boolean;
}

const STOPPING = new Problem(DRAINING, 'This process is about to stop. Send the request again, over a new connection.', {
  retryAfterSeconds: 1,
  headers: { connection: 'close' },
});
export const TOO_LONG = new Problem(URI_TOO_LONG, `An address has at most ${URL_LENGTH_MAX} characters.`);
const NOTHING_THERE = new Problem(NOT_FOUND, 'Nothing is served at this address.');
const ADMINS_ONLY = new Problem(FORBIDDEN, 'This is for administrators.');
const NOT_JSON = new Problem(UNSUPPORTED_MEDIA_TYPE, 'Send the body as `Content-Type: application/json`, in UTF-8 and without Content-Encoding.');

/** The one `onRequest` hook. Synchronous: it is part of every request's cost. */
export const admission = ({ tokens, routes, isDraining }: Admission): onRequestHookHandler =>
  function admit(request, reply, done) {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (isDraining()) return done(STOPPING);
    if (request.raw.url!.length > URL_LENGTH_MAX) return done(TOO_LONG);
    if (request.is404) return done(nothingAt(request, routes));
    const { access = 'admin', rawBody } = request.routeOptions.config;
    try {
      if (access !== 'public') identify(request, reply, tokens);
    } catch (problem) {
      return done(problem as Problem);
    }
    if (access === 'admin' && request.caller?.role !== 'admin') return done(ADMINS_ONLY);
    if (!rawBody && !hasReadableBody(request)) return done(NOT_JSON);
    done();
  };

function identify(request: FastifyRequest, reply: FastifyReply, tokens: TokenVerifier): void {
  request.caller = tokens.verify(request.headers.authorization);
  reply.header('cache-control', 'no-store');
}

/** 405 for a known address, else 404. */
export function nothingAt({ raw }: FastifyRequest, routes: KnownRoutes): Problem {
  const methods = routes.methodsAt(raw.url!);
  if (methods.length === 0 || methods.includes(raw.method!)) return NOTHING_THERE;
  const allow = methods.join(', ');
  return new Problem(METHOD_NOT_ALLOWED, `Allowed here: ${allow}.`, { headers: { allow } });
}

const JSON_IN_UTF8 = /^application\/json *(?:; *charset=(?:utf-8|"utf-8") *)?$/i;

/** No body at all, or one that claims to be JSON. Whether an absent body is right is for the schema of the route to say. */
function hasReadableBody({ method, headers }: FastifyRequest): boolean {
  const type = headers['content-type'];
  const encoding = headers['content-encoding'];
  if (type === 'application/json' && encoding === undefined) return true;
  if (method === 'GET' || method === 'HEAD') return true; // never read
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return false;
  if (type !== undefined) return JSON_IN_UTF8.test(type);
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}
