import type { PoolClient } from 'pg';
import type { AcceptedOrder } from '../order-stream/accepted-order.js';
import { VERSIONS_PER_EPOCH } from '../stock/version.js';
import { isStillInTerm, type Term } from './record-releases.js';

/** An order whose units Redis has given back. */
export type ReleasedInRedis = AcceptedOrder & { releasedVersion: number };

const LOCK_ORDERS = `
  SELECT FROM orders WHERE sale_id = $1 AND order_id = ANY($2::uuid[]) ORDER BY order_id FOR NO KEY UPDATE`;

const FINISH = `
  WITH e AS (
    SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::integer[], $7::bigint[], $8::bigint[], $9::bigint[])
                    AS e (order_id, buyer_id, idempotency_key, quantity, version, decided_at_ms, released_version)
  ), restored AS (
    -- Any conflict is left alone: what is missing here holds nothing.
    INSERT INTO orders (sale_id, order_id, version, released_version, amount_minor, decided_at, expires_at, finished_at,
                        status, quantity, lane, currency, buyer_id, idempotency_key)
    SELECT s.sale_id, e.order_id, e.version, e.released_version, e.quantity::bigint * s.price_minor,
           to_timestamp(e.decided_at_ms / 1000.0), now(), now(), 'expired', e.quantity, $1, s.currency,
           e.buyer_id, e.idempotency_key
    FROM e JOIN sales s ON s.sale_id = $2 ORDER BY e.order_id
    ON CONFLICT DO NOTHING
    RETURNING version, released_version
  ), finished AS (
    UPDATE orders SET status = 'expired', finished_at = now(), released_version = e.released_version
    FROM e WHERE orders.sale_id = $2 AND orders.order_id = e.order_id AND status = 'pending_payment'
    RETURNING orders.quantity, e.released_version
  ), freed AS (
    UPDATE sale_lanes SET held = held - (SELECT coalesce(sum(quantity), 0) FROM finished) WHERE sale_id = $2 AND lane = $1
  ), decisions AS (
    SELECT version FROM restored UNION ALL SELECT released_version FROM restored
    UNION ALL SELECT released_version FROM finished
  )
  UPDATE lanes SET recorded = recorded + (SELECT count(*) FROM decisions WHERE version / ${VERSIONS_PER_EPOCH} = epoch)
  WHERE lane = $1`;

/**
 * Finishes orders again that Postgres has forgotten to have finished, for it went back (a replica was promoted): units come
 * back in Redis only after their order is finished unpaid. Whether it had expired or was cancelled nobody knows any more.
 *
 * Only while the lane is closed: in an open one nobody may take the units of such an order from it.
 *
 * @returns false when the lane is in another epoch, or belongs to another Redis: nothing changed.
 */
export async function restoreFinished(
  tx: PoolClient,
  { lane, saleId, ...term }: Term & { lane: number; saleId: string },
  orders: readonly ReleasedInRedis[],
): Promise<boolean> {
  const orderIds = orders.map(({ orderId }) => orderId);
  await tx.query(LOCK_ORDERS, [saleId, orderIds]);
  if (!(await isStillInTerm(tx, lane, term))) return false;
  await tx.query(FINISH, [
    lane,
    saleId,
    orderIds,
    orders.map(({ buyer }) => buyer),
    orders.map(({ idempotencyKey }) => idempotencyKey),
    orders.map(({ quantity }) => quantity),
    orders.map(({ version }) => version),
    orders.map(({ decidedAtMs }) => decidedAtMs),
    orders.map(({ releasedVersion }) => releasedVersion),
  ]);
  return true;
}
