import { problemType } from './problem.js';

/** The problem types that any HTTP interface needs, whatever it sells. */

export const MALFORMED_JSON = problemType('malformed-json', 400, 'The body is not JSON that this API reads');
export const INVALID_BODY = problemType('invalid-body', 400, 'The body does not have the required form');
export const UNKNOWN_FIELD = problemType('unknown-field', 400, 'The body has a field that is not known here');
export const INVALID_FIELD = problemType(
  'invalid-field',
  400,
  'A field of the body is missing or has a value that is not allowed',
);
export const INVALID_ID = problemType('invalid-id', 400, 'The path holds something that is no identifier');
export const INVALID_QUERY = problemType(
  'invalid-query',
  400,
  'A query parameter is not known or has a value that is not allowed',
);
export const UNAUTHENTICATED = problemType('unauthenticated', 401, 'The request carries no bearer token');
export const INVALID_TOKEN = problemType('invalid-token', 401, 'The bearer token is not valid');
export const FORBIDDEN = problemType('forbidden', 403, 'The token does not allow this');
export const NOT_FOUND = problemType('not-found', 404, 'There is nothing at this address');
export const METHOD_NOT_ALLOWED = problemType('method-not-allowed', 405, 'This address does not know the method');
export const REQUEST_TIMEOUT = problemType('request-timeout', 408, 'The request took too long to arrive');
export const PRECONDITION_FAILED = problemType('precondition-failed', 412, 'The thing was changed since it was read');
export const BODY_TOO_LARGE = problemType('body-too-large', 413, 'The body is larger than this address accepts');
export const URI_TOO_LONG = problemType('uri-too-long', 414, 'The address is too long');
export const UNSUPPORTED_MEDIA_TYPE = problemType(
  'unsupported-media-type',
  415,
  'The body is not sent as application/json in UTF-8',
);
export const PRECONDITION_REQUIRED = problemType(
  'precondition-required',
  428,
  'The request must say which version it changes',
);
export const RATE_LIMITED = problemType('rate-limited', 429, 'This client sends too much');
export const OVERLOADED = problemType(
  'overloaded',
  503,
  'There is more to do than can be done now; the request was not accepted',
);
export const DRAINING = problemType('draining', 503, 'This process is about to stop; the request was not accepted');
export const STORE_UNAVAILABLE = problemType(
  'store-unavailable',
  503,
  'A store cannot be reached; the request was not accepted',
);
export const OUTCOME_UNKNOWN = problemType(
  'outcome-unknown',
  503,
  'The request may have been accepted; send it again with the same key',
);

/** A bug of ours. Its answer says nothing but that; the stack is in the log. */
export const INTERNAL = problemType('internal', 500, 'Something that should not happen has happened');
