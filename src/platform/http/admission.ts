import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyContextConfig, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { AccessRule } from './access.js';
import type { Caller, Role, TokenVerifier } from './access-token.js';
import { type BuyerRates, TOO_OFTEN } from './buyer-rates.js';
import type { KnownRoutes } from './known-routes.js';
import { Problem } from './problem.js';
import {
  DRAINING,
  FORBIDDEN,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  UNSUPPORTED_MEDIA_TYPE,
  URI_TOO_LONG,
} from './problems.js';

/**
 * Everything that is decided about a request before its body is read, in this order: address, method, credentials, content type.
 *
 * Promises:  a route that says nothing is for admins; a body that is no plain JSON reaches only routes that want raw bytes.
 * Does not:  know who may see what within a route; that is the handler's matter.
 */

/** Longer than any address this API serves, cursors included. */
export const URL_LENGTH_MAX = 2048;

const STOPPING = new Problem(
  DRAINING,
  'This process is about to stop. Send the request again, over a new connection.',
  {
    retryAfterSeconds: 1,
    headers: { connection: 'close' },
  },
);
export const TOO_LONG = new Problem(URI_TOO_LONG, `An address has at most ${URL_LENGTH_MAX} characters.`);
const NOTHING_THERE = new Problem(NOT_FOUND, 'Nothing is served at this address.');
const ADMINS_ONLY = new Problem(FORBIDDEN, 'This is for administrators.');
const NOT_JSON = new Problem(
  UNSUPPORTED_MEDIA_TYPE,
  'Send the body as `Content-Type: application/json`, in UTF-8 and without Content-Encoding.',
);

/** The `onRequest` hook of every request, whether there is a route for it or not. Synchronous, like the next one: both are part of every request's cost. */
export const arrival = (routes: KnownRoutes, isDraining: () => boolean): onRequestHookHandler =>
  function arrive(request, reply, done) {
    reply.header('x-request-id', request.id);
    if (isDraining()) return done(STOPPING);
    if (request.url.length > URL_LENGTH_MAX) return done(TOO_LONG);
    if (request.is404) return done(nothingAt(request, routes));
    done();
  };

interface Doorkeepers {
  readonly tokens: TokenVerifier;
  /** How often a buyer may ask. An administrator may always. */
  readonly rates?: BuyerRates;
}

/** The `onRequest` hook of one route. */
export const admission = (config: FastifyContextConfig, { tokens, rates }: Doorkeepers): onRequestHookHandler => {
  const { access = 'admin', rawBody = false } = config;
  return function admit(request, reply, done) {
    try {
      if (access !== 'public') {
        const caller = identify(request, access, tokens);
        if (rates && caller.role === 'buyer' && !rates.take(caller.subject)) return done(TOO_OFTEN);
        request.caller = caller;
      }
    } catch (problem) {
      return done(problem as Problem);
    }
    if (request.method === 'GET' || request.method === 'HEAD') protectAnswer(reply, access);
    else if (!(rawBody ? takesAnyBody(request.headers) : hasReadableBody(request.headers))) return done(NOT_JSON);
    done();
  };
};

function identify({ headers }: FastifyRequest, access: Role, tokens: TokenVerifier): Caller {
  const caller = tokens.verify(headers.authorization);
  if (access === 'admin' && caller.role !== 'admin') throw ADMINS_ONLY;
  return caller;
}

/** Only what was fetched may be taken for a script or be stored by a cache. Other answers go without these headers, which cost 1.3 µs each time. */
function protectAnswer(reply: FastifyReply, access: AccessRule): void {
  reply.header('x-content-type-options', 'nosniff');
  if (access !== 'public') reply.header('cache-control', 'no-store');
}

/** 405 for a known address, else 404. */
export function nothingAt({ url, method }: FastifyRequest, routes: KnownRoutes): Problem {
  const methods = routes.methodsAt(url);
  if (methods.length === 0 || methods.includes(method)) return NOTHING_THERE;
  const allow = methods.join(', ');
  return new Problem(METHOD_NOT_ALLOWED, `Allowed here: ${allow}.`, { headers: { allow } });
}

/** Chooses the parser that hands the bytes over as they are, whatever the client calls them. */
function takesAnyBody(headers: IncomingHttpHeaders): true {
  headers['content-type'] = 'application/octet-stream';
  return true;
}

const JSON_IN_UTF8 = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i;

/** No body at all, or one that claims to be JSON. Whether an absent body is right is for the schema of the route to say. */
function hasReadableBody(headers: IncomingHttpHeaders): boolean {
  const type = headers['content-type'];
  const encoding = headers['content-encoding'];
  if (type === 'application/json' && encoding === undefined) return true;
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return false;
  if (type !== undefined) return JSON_IN_UTF8.test(type);
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}
