import type { Pool } from 'pg';
import type { AcceptedOrder } from '../order-stream/accepted-order.js';
import { epochOf } from '../stock/version.js';

/** Why an entry can never be stored. Kept in `dead_letters.reason`; docs/OPERATIONS.md says what to do about each. */
export const DEAD_LETTER_REASONS = [
  /** Not written by the reserve script, or deleted from outside. */
  'unreadable',
  /** Of an epoch that a rebuild ended without finding it: an accepted order that Redis lost. */
  'superseded',
  /** The order is stored already, with other content. */
  'conflict',
  /** Of a sale that is not in this lane. */
  'orphan',
  /** Over the total, or a second order for one key: Redis was wrong. */
  'refused-by-database',
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export type Fate = { is: 'stored' } | { is: 'dead'; reason: DeadLetterReason; detail: string };

interface Found {
  isKnownSale: boolean;
  isStored: boolean;
  isSame: boolean;
}

/**
 * Looks orders up that the storing statement may have passed over, in the epoch in which it ran. In the order given.
 *
 * @throws when one should have been stored and is not: the caller takes the entries again.
 */
export async function judgeUnstored(
  pool: Pool,
  lane: number,
  { epoch, orders }: { epoch: number; orders: readonly AcceptedOrder[] },
): Promise<Fate[]> {
  const { rows } = await pool.query<Found>(
    `SELECT sl.sale_id IS NOT NULL AS "isKnownSale", o.order_id IS NOT NULL AS "isStored",
            (o.buyer_id, o.idempotency_key, o.quantity, o.version) IS NOT DISTINCT FROM
            (e.buyer_id, e.idempotency_key, e.quantity, e.version) AS "isSame"
     FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::integer[], $7::bigint[])
            WITH ORDINALITY AS e (sale_id, order_id, buyer_id, idempotency_key, quantity, version, position)
     LEFT JOIN sale_lanes sl ON sl.sale_id = e.sale_id AND sl.lane = $1
     LEFT JOIN orders o ON o.sale_id = e.sale_id AND o.order_id = e.order_id
     ORDER BY e.position`,
    [
      lane,
      orders.map((order) => order.saleId),
      orders.map((order) => order.orderId),
      orders.map((order) => order.buyer),
      orders.map((order) => order.idempotencyKey),
      orders.map((order) => order.quantity),
      orders.map((order) => order.version),
    ],
  );
  return rows.map((found, index) => judge(found, orders[index] as AcceptedOrder, epoch));
}

function judge(found: Found, order: AcceptedOrder, epoch: number): Fate {
  if (found.isStored && found.isSame) return { is: 'stored' };
  if (found.isStored) return dead('conflict', `order ${order.orderId} is stored with other content`);
  if (!found.isKnownSale) return dead('orphan', `sale ${order.saleId} is not in this lane`);
  // Of a later epoch: Postgres went back and has not noticed yet. The rebuild that heals it stores the order.
  if (epochOf(order.version) < epoch) {
    return dead(
      'superseded',
      `accepted in epoch ${epochOf(order.version)}, and the rebuild of ${epoch} did not find it`,
    );
  }
  throw new Error(`order ${order.orderId} of epoch ${epochOf(order.version)} is not stored in epoch ${epoch}`);
}

const dead = (reason: DeadLetterReason, detail: string): Fate => ({ is: 'dead', reason, detail });
