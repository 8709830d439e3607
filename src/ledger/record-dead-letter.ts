import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { decodeOrder } from '../order-stream/accepted-order.js';
import type { StreamEntry } from '../order-stream/order-stream.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { DeadLetterReason } from './judge-unstored.js';

/** A field may hold a megabyte, or NUL, which jsonb refuses. The bytes themselves stay in Redis' dead letters. */
const SHOWN_CHARS_MAX = 1_000;
const SHOWN_FIELDS_MAX = 64;

export interface DeadLetter {
  reason: DeadLetterReason;
  detail: string;
}

/**
 * Writes an entry that cannot be stored where people look, once for each entry. When the database refused it, Redis has
 * sold what is not there: the sale is halted in the same transaction, and its units are not given back, for that would
 * sell them again.
 */
export async function recordDeadLetter(
  pool: Pool,
  lane: number,
  { entry, letter }: { entry: StreamEntry; letter: DeadLetter },
): Promise<void> {
  const decoded = decodeOrder(entry.fields);
  const order = 'order' in decoded ? decoded.order : undefined;
  await inTransaction(pool, async (tx) => {
    await tx.query(
      `INSERT INTO dead_letters (dead_letter_id, lane, entry_id, sale_id, order_id, reason, detail, fields)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (lane, entry_id) DO UPDATE SET attempts = dead_letters.attempts + 1, last_seen_at = now()`,
      [
        uuidv7(),
        lane,
        entry.id,
        order?.saleId,
        order?.orderId,
        letter.reason,
        letter.detail,
        JSON.stringify(shown(entry.fields ?? [])),
      ],
    );
    if (letter.reason === 'refused-by-database') {
      await tx.query(
        'UPDATE sales SET paused = true, config_version = config_version + 1 WHERE sale_id = $1 AND NOT paused',
        [order?.saleId],
      );
    }
  });
}

const shown = (fields: readonly string[]): string[] =>
  fields
    .slice(0, SHOWN_FIELDS_MAX)
    .map((text) => text.slice(0, SHOWN_CHARS_MAX).toWellFormed().replaceAll('\0', '\uFFFD'));
