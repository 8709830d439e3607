import { problemType } from './problem.js';

/** The problem types that any HTTP interface needs, whatever it sells. */

export const MALFORMED_JSON = problemType('malformed-json', 400, {
  title: 'The body is not JSON that this API reads',
  when: 'The body is not JSON in UTF-8, has a key twice, nests deeper than 32 levels, or holds NUL, half of a surrogate pair or `__proto__`.',
  next: 'Send strict JSON; `detail` says what is wrong with it.',
});
export const INVALID_BODY = problemType('invalid-body', 400, {
  title: 'The body does not have the required form',
  when: 'There is no body, it is no object, it has another length than `Content-Length` says, or it is signed and no event.',
  next: 'Send one JSON object of the documented form.',
});
export const UNKNOWN_FIELD = problemType('unknown-field', 400, {
  title: 'The body has a field that is not known here',
  when: 'The body has a field that the operation does not know.',
  next: 'Leave out the fields that `errors` names.',
});
export const INVALID_FIELD = problemType('invalid-field', 400, {
  title: 'A field of the body is missing or has a value that is not allowed',
  when: 'A field is missing, has another type than it should, or a value that is not allowed.',
  next: 'Correct the fields that `errors` names.',
});
export const INVALID_ID = problemType('invalid-id', 400, {
  title: 'The path holds something that is no identifier',
  when: 'A part of the path is no lower-case UUID, or the path is not validly percent-encoded.',
  next: 'Use identifiers as this API has given them.',
});
export const INVALID_QUERY = problemType('invalid-query', 400, {
  title: 'A query parameter is not known or has a value that is not allowed',
  when: 'A query parameter is not known, has a value that is not allowed, or is a cursor of another list or another caller.',
  next: 'Correct the parameters that `errors` names; take cursors from `nextCursor` of the same list.',
});
export const UNAUTHENTICATED = problemType('unauthenticated', 401, {
  title: 'The request carries no bearer token',
  when: 'The operation needs a token, and there is no `Authorization: Bearer` header.',
  next: 'Send a token.',
});
export const INVALID_TOKEN = problemType('invalid-token', 401, {
  title: 'The bearer token is not valid',
  when: 'The token is malformed, expired, not yet valid, without a required claim, or not signed by a key of this system.',
  next: 'Get a new token; sending this one again changes nothing.',
});
export const FORBIDDEN = problemType('forbidden', 403, {
  title: 'The token does not allow this',
  when: 'The token is valid, and its role may not do this.',
  next: 'Use the token of an administrator.',
});
export const NOT_FOUND = problemType('not-found', 404, {
  title: 'There is nothing at this address',
  when: 'No route has this path, or no page has this name.',
  next: 'Compare the path with `/openapi.json`.',
});
export const METHOD_NOT_ALLOWED = problemType('method-not-allowed', 405, {
  title: 'This address does not know the method',
  when: 'The path exists, for other methods.',
  next: 'Use a method that the `Allow` header names.',
});
export const REQUEST_TIMEOUT = problemType('request-timeout', 408, {
  title: 'The request took too long to arrive',
  when: 'The request did not arrive completely within 5 s. It was not looked at.',
  next: 'Send it again.',
});
export const PRECONDITION_FAILED = problemType('precondition-failed', 412, {
  title: 'The thing was changed since it was read',
  when: 'The `ETag` in `If-Match` is not the one that the thing has now.',
  next: 'Read it again, decide again, and send its new `ETag`.',
});
export const BODY_TOO_LARGE = problemType('body-too-large', 413, {
  title: 'The body is larger than this address accepts',
  when: 'The body has more than 64 KiB, or more than a smaller limit of the operation.',
  next: 'Send less.',
});
export const URI_TOO_LONG = problemType('uri-too-long', 414, {
  title: 'The address is too long',
  when: 'Path and query have more than 2,048 characters.',
  next: 'Shorten them: no address of this API is so long.',
});
export const UNSUPPORTED_MEDIA_TYPE = problemType('unsupported-media-type', 415, {
  title: 'The body is not sent as application/json in UTF-8',
  when: 'The body has another `Content-Type` or charset, or a `Content-Encoding`.',
  next: 'Send `Content-Type: application/json`, uncompressed.',
});
export const PRECONDITION_REQUIRED = problemType('precondition-required', 428, {
  title: 'The request must say which version it changes',
  when: 'The operation changes what others may have changed, and there is no `If-Match` header.',
  next: 'Read the thing, and send its `ETag` as `If-Match`.',
});
export const RATE_LIMITED = problemType('rate-limited', 429, {
  title: 'This client sends too much',
  when: 'This client sends more than it may, or waits for more than 32 answers on one connection. Nothing was accepted.',
  next: 'Wait for `Retry-After` seconds, then send it again, and less at once.',
});
export const OVERLOADED = problemType('overloaded', 503, {
  title: 'There is more to do than can be done now; the request was not accepted',
  when: 'More waits than can be done soon, or is open than can be carried. Nothing was accepted.',
  next: 'Wait for `Retry-After` seconds, then send the same request again.',
});
export const DRAINING = problemType('draining', 503, {
  title: 'This process is about to stop; the request was not accepted',
  when: 'The process that has the connection is about to stop. Nothing was accepted.',
  next: 'Send the same request again, over a new connection.',
});
export const STORE_UNAVAILABLE = problemType('store-unavailable', 503, {
  title: 'A store cannot be reached; the request was not accepted',
  when: 'A store does not answer, or what it holds is being checked. Nothing was accepted.',
  next: 'Wait for `Retry-After` seconds, then send the same request again.',
});
export const OUTCOME_UNKNOWN = problemType('outcome-unknown', 503, {
  title: 'The request may have been accepted; send it again with the same key',
  when: 'The answer of a store was lost, or is not in force yet: the request may have been carried out.',
  next: 'Wait for `Retry-After` seconds, then send the same request with the same `Idempotency-Key`: it is carried out once. Where there is no key, read first what has become of it.',
});

/** A bug of ours. Its answer says nothing but that; the stack is in the log. */
export const INTERNAL = problemType('internal', 500, {
  title: 'Something that should not happen has happened',
  when: 'A bug of this system.',
  next: 'Report the `instance`: it finds the cause in the log.',
});
