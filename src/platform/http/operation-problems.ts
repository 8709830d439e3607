import type { AccessRule } from './access.js';
import type { KnownRoute } from './known-routes.js';
import type { AnswerHeader, OperationDescription } from './operation.js';
import type { ProblemType } from './problem.js';
import {
  BODY_TOO_LARGE, DRAINING, FORBIDDEN, INTERNAL, INVALID_BODY, INVALID_FIELD, INVALID_ID, INVALID_QUERY, INVALID_TOKEN, MALFORMED_JSON,
  OVERLOADED, RATE_LIMITED, REQUEST_TIMEOUT, STORE_UNAVAILABLE, UNAUTHENTICATED, UNKNOWN_FIELD, UNSUPPORTED_MEDIA_TYPE, URI_TOO_LONG,
} from './problems.js'; // prettier-ignore

/** Whatever is asked for. */
const ALWAYS = [URI_TOO_LONG, RATE_LIMITED, OVERLOADED, DRAINING, INTERNAL];

const OF_ACCESS: Record<AccessRule, ProblemType[]> = {
  public: [],
  buyer: [UNAUTHENTICATED, INVALID_TOKEN],
  admin: [UNAUTHENTICATED, INVALID_TOKEN, FORBIDDEN],
};

/** A body is read where a method may have one, also when nobody looks at it. */
const OF_ANY_BODY = [INVALID_BODY, REQUEST_TIMEOUT, BODY_TOO_LARGE];
const OF_JSON = [MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE];
const OF_FIELDS = [UNKNOWN_FIELD, INVALID_FIELD];

/** Every problem that an operation may be answered with, each once. */
export function problemsOf({ url, method, config = {} }: KnownRoute, operation: OperationDescription): ProblemType[] {
  const { access = 'admin', rawBody = false } = config;
  const { body, query, headers = {}, problems = [], asksStores = true } = operation;
  const all = [
    ALWAYS,
    OF_ACCESS[access],
    method === 'GET' ? [] : OF_ANY_BODY,
    method === 'GET' || rawBody ? [] : OF_JSON,
    body && !rawBody ? OF_FIELDS : [],
    query ? [INVALID_QUERY] : [],
    url.includes(':') ? [INVALID_ID] : [],
    asksStores ? [STORE_UNAVAILABLE] : [],
    Object.values(headers).flatMap((header) => header.problems),
    problems,
  ];
  return [...new Set(all.flat())];
}

const RETRY_AFTER: AnswerHeader = {
  description: 'Whole seconds until another attempt makes sense',
  required: true,
  shape: { type: 'string', pattern: '^\\d+$' },
};

/** The headers that a problem has because of its status. */
export const HEADERS_OF_STATUS: Partial<Record<number, Record<string, AnswerHeader>>> = {
  401: { 'WWW-Authenticate': { description: 'How to authenticate', required: true } },
  409: { 'Retry-After': { ...RETRY_AFTER, required: false } },
  429: { 'Retry-After': RETRY_AFTER },
  503: { 'Retry-After': RETRY_AFTER },
};
