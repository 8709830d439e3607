import { z } from 'zod';
import type { RequestHeader } from './operation.js';
import { Problem } from './problem.js';
import { PRECONDITION_FAILED, PRECONDITION_REQUIRED } from './problems.js';

const REQUIRED = new Problem(
  PRECONDITION_REQUIRED,
  'Send the ETag of what you have read as `If-Match`, so that nobody else’s change is overwritten.',
);

/** What was asked to be changed has another version than the client has read. */
export const CHANGED_MEANWHILE = new Problem(
  PRECONDITION_FAILED,
  'Somebody has changed it since you read it. Read it again, and decide anew.',
);

/**
 * Which versions of a thing may be changed (RFC 9110 §13.1.1): those whose strong ETag the header lists, or any for `*`.
 *
 * @throws Problem `precondition-required` without the header.
 */
export function readIfMatch(header: string | undefined): (etag: string) => boolean {
  if (header === undefined) throw REQUIRED;
  if (header.trim() === '*') return () => true;
  const listed = header.split(',').map((tag) => tag.trim());
  return (etag) => listed.includes(etag);
}

/** Whether a client has what would be sent (RFC 9110 §13.1.2): weak and strong tags match, for proxies that compress make strong tags weak. */
export function hasAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((tag) => tag.trim()) ?? [];
  return tags.some((tag) => tag === '*' || opaque(tag) === opaque(etag));
}

const opaque = (etag: string): string => etag.replace(/^W\//, '');

export const IF_MATCH: RequestHeader = {
  description: 'The ETag of what you have read: what was changed since is not overwritten',
  shape: z.string().meta({ examples: ['"3"'] }),
  required: true,
  problems: [PRECONDITION_REQUIRED, PRECONDITION_FAILED],
};
