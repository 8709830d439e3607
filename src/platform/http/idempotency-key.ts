import { z } from 'zod';
import type { AnswerHeader, RequestHeader } from './operation.js';
import { Problem, problemType } from './problem.js';

export const IDEMPOTENCY_KEY_REUSED = problemType('idempotency-key-reused', 422, {
  title: 'The Idempotency-Key was used for another request',
  when: 'This caller has sent the key before, with another body.',
  next: 'Send the earlier body to have the earlier answer, or a new key for a new request.',
});

const MISSING = new Problem(
  problemType('idempotency-key-missing', 400, {
    title: 'The request has no Idempotency-Key',
    when: 'The operation needs an `Idempotency-Key` header.',
    next: 'Make a key for the request, keep it, and send it again with every repetition.',
  }),
  'Send an Idempotency-Key header: one key for one request, and the same key again when you do not know what became of it.',
);
const INVALID = new Problem(
  problemType('idempotency-key-invalid', 400, {
    title: 'The Idempotency-Key is not one',
    when: 'The key is empty, has more than 64 characters, or others than `A-Z a-z 0-9 . _ -`, or was sent twice.',
    next: 'Send one key of the allowed characters, such as a UUID.',
  }),
  'An Idempotency-Key has 1 to 64 characters of A-Z a-z 0-9 . _ - and may stand in double quotes.',
);

const KEY = /^(?:[A-Za-z0-9._-]{1,64}|"[A-Za-z0-9._-]{1,64}")$/;

export const IDEMPOTENCY_KEY: RequestHeader = {
  description: 'One key for one request: whoever sends it again gets the same answer. It may stand in double quotes.',
  shape: z
    .string()
    .regex(KEY)
    .meta({ examples: ['8a1f0c52'] }),
  required: true,
  problems: [MISSING.type, INVALID.type, IDEMPOTENCY_KEY_REUSED],
};

export const IDEMPOTENCY_REPLAYED: AnswerHeader = {
  description: '`true` when the key was sent before: this is the earlier answer',
  required: false,
  shape: { const: 'true' },
};

/**
 * A quoted key (a structured-field string, as draft-ietf-httpapi-idempotency-key-header has it) is the same key as
 * without quotes. Two headers arrive joined by a comma, and so are no key.
 *
 * @throws Problem
 */
export function readIdempotencyKey(header: string | string[] | undefined): string {
  if (header === undefined) throw MISSING;
  if (typeof header !== 'string' || !KEY.test(header)) throw INVALID;
  return header.startsWith('"') ? header.slice(1, -1) : header;
}
