import { HttpException } from '@nestjs/common';
import type { FastifyError, FastifySchemaValidationError } from 'fastify';
import { Problem, type FieldError, type ProblemType } from './problem.js';
import {
  BODY_TOO_LARGE, FORBIDDEN, INTERNAL, INVALID_BODY, INVALID_FIELD, INVALID_ID, INVALID_QUERY, METHOD_NOT_ALLOWED, NOT_FOUND,
  OVERLOADED, RATE_LIMITED, REQUEST_TIMEOUT, STORE_UNAVAILABLE, UNAUTHENTICATED, UNKNOWN_FIELD, UNSUPPORTED_MEDIA_TYPE, URI_TOO_LONG,
} from './problems.js'; // prettier-ignore
import { isStoreAway } from '../store-errors.js';

/**
 * The answer to whatever was thrown while a request was handled. Every error that a client can cause becomes the
 * problem that the contract names for it, a store that is away becomes `store-unavailable`; all others are bugs of ours
 * and become `internal`, without any detail.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HttpException) return problemOfStatus(error);
  if (!(error instanceof Error)) return bug();
  const { validation, validationContext, code } = error as Partial<FastifyError>;
  if (validation) return problemOfSchema(validation, validationContext);
  const known = code === undefined ? undefined : FASTIFY_ERRORS[code];
  if (known) return new Problem(...known);
  return isStoreAway(error) ? STORE_AWAY : bug();
}

/** Reading failed, or what would have been written was not: a store that loses a reply on the way is the matter of its caller. */
const STORE_AWAY = new Problem(STORE_UNAVAILABLE, 'This cannot be answered right now. Try again.', {
  retryAfterSeconds: 1,
});

const bug = (): Problem => new Problem(INTERNAL, 'The error is on our side and has been recorded.');

const FASTIFY_ERRORS: Partial<Record<string, [ProblemType, string]>> = {
  FST_ERR_NOT_FOUND: [NOT_FOUND, 'Nothing is served at this address.'],
  FST_ERR_BAD_URL: [INVALID_ID, 'The path is not validly percent-encoded.'],
  FST_ERR_INVALID_URL: [INVALID_ID, 'The path is not valid.'],
  FST_ERR_MAX_PARAM_LENGTH: [URI_TOO_LONG, 'A part of the path is too long.'],
  FST_ERR_CTP_BODY_TOO_LARGE: [BODY_TOO_LARGE, 'Send a smaller body.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [UNSUPPORTED_MEDIA_TYPE, 'Send the body as `application/json` in UTF-8.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [INVALID_BODY, 'The body has another length than Content-Length says.'],
};

/** What Nest itself throws. Code of this project throws Problems instead, which say more. */
const OF_STATUS: Partial<Record<number, ProblemType>> = Object.fromEntries(
  [
    INVALID_BODY,
    UNAUTHENTICATED,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    BODY_TOO_LARGE,
    URI_TOO_LONG,
    UNSUPPORTED_MEDIA_TYPE,
    RATE_LIMITED,
    OVERLOADED,
  ].map((type) => [type.status, type]),
);

function problemOfStatus(error: HttpException): Problem {
  const type = OF_STATUS[error.getStatus()];
  return type ? new Problem(type, `${type.title}.`) : bug();
}

/** Ajv stops at the first error, so there is one. */
function problemOfSchema([first]: readonly FastifySchemaValidationError[], part: string | undefined): Problem {
  if (!first) return bug();
  return problemOfMismatches(part ?? 'body', [mismatchOfAjv(first)]);
}

function mismatchOfAjv({
  keyword,
  instancePath,
  params,
  message = 'is not allowed',
}: FastifySchemaValidationError): Mismatch {
  const { additionalProperty, missingProperty } = params as { additionalProperty?: string; missingProperty?: string };
  if (additionalProperty !== undefined) {
    return { kind: 'unknown', pointer: instancePath + pointerOf([additionalProperty]), detail: 'is not known' };
  }
  if (missingProperty !== undefined) {
    return { kind: 'value', pointer: instancePath + pointerOf([missingProperty]), detail: 'is required' };
  }
  return { kind: keyword === 'type' && instancePath === '' ? 'root' : 'value', pointer: instancePath, detail: message };
}

/** A place where a part of a request is not as its schema wants it: the whole part, a field nobody knows, or a value. */
export interface Mismatch extends FieldError {
  readonly kind: 'root' | 'unknown' | 'value';
}

/** A body may be wrong in thousands of places; the first ones are enough to mend it. */
const FIELD_ERRORS_MAX = 20;

const DETAILS = {
  root: 'The body has to be an object.',
  unknown: 'The body has a field that is not known here.',
  value: 'A field has a value that is not allowed.',
};

/** The problem for a part of a request (`body`, `params`, `querystring`, `query`, `param`) that does not match its schema. */
export function problemOfMismatches(part: string, mismatches: readonly Mismatch[]): Problem {
  const errors = mismatches.slice(0, FIELD_ERRORS_MAX).map(({ pointer, detail }) => ({ pointer, detail }));
  if (part.startsWith('param')) {
    return new Problem(INVALID_ID, 'The path holds something that is no identifier.', { errors });
  }
  if (part.startsWith('query')) {
    return new Problem(INVALID_QUERY, 'A query parameter is not known or not allowed.', { errors });
  }
  const kinds = new Set(mismatches.map(({ kind }) => kind));
  if (kinds.has('root')) return new Problem(INVALID_BODY, DETAILS.root);
  if (kinds.has('unknown')) return new Problem(UNKNOWN_FIELD, DETAILS.unknown, { errors });
  return new Problem(INVALID_FIELD, DETAILS.value, { errors });
}

/** A JSON Pointer (RFC 6901). */
export const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
