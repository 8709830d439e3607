import { z } from 'zod';
import type { DeadLetter } from '../generated/prisma/client.js';
import { DEAD_LETTER_REASONS } from '../ledger/judge-unstored.js';
import { count, identifier, instant } from '../platform/http/shapes.js';

export const letterState = z.enum(['open', 'replayed', 'discarded']);

const A_LETTER = {
  deadLetterId: '0199f3a2-7d3e-7f60-8172-93a4b5c6d7e8',
  firstSeenAt: '2026-11-27T08:00:00.000Z',
  lastSeenAt: '2026-11-27T08:00:00.000Z',
  resolvedAt: null,
  resolvedBy: null,
  resolution: null,
  saleId: null,
  orderId: null,
  attempts: 1,
  lane: 0,
  entryId: '1764230400000-0',
  reason: 'unreadable',
  detail: 'it has 2 fields',
  state: 'open',
  fields: ['v', '1', 'units', 'abc'],
};

/** A dead letter as its operator sees it. */
export const deadLetterShape = z
  .object({
    deadLetterId: identifier,
    firstSeenAt: instant,
    lastSeenAt: instant,
    resolvedAt: instant.nullable(),
    resolvedBy: z.string().nullable(),
    resolution: z.string().nullable(),
    saleId: identifier.nullable(),
    orderId: identifier.nullable(),
    attempts: count,
    lane: count,
    entryId: z.string(),
    reason: z.enum(DEAD_LETTER_REASONS),
    detail: z.string(),
    state: letterState,
    fields: z.array(z.string()).meta({ description: 'Names and values by turns, as they stood in the stream' }),
  })
  .meta({ id: 'DeadLetter', examples: [A_LETTER] });
export type DeadLetterView = z.infer<typeof deadLetterShape>;

/** Its columns of free text and JSON hold what `record-dead-letter.ts` writes, and nothing else. */
export const viewDeadLetter = ({ firstSeenAt, lastSeenAt, resolvedAt, ...letter }: DeadLetter): DeadLetterView => ({
  ...(letter as Omit<DeadLetterView, 'firstSeenAt' | 'lastSeenAt' | 'resolvedAt'>),
  firstSeenAt: firstSeenAt.toISOString(),
  lastSeenAt: lastSeenAt.toISOString(),
  resolvedAt: resolvedAt?.toISOString() ?? null,
});
