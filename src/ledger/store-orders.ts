import type { Pool, PoolClient } from 'pg';
import type { AcceptedOrder } from '../order-stream/accepted-order.js';
import { appendEvents } from '../outbox/append-event.js';
import { VERSIONS_PER_EPOCH } from '../stock/version.js';

export interface Stored {
  /** The lane's epoch; orders of another one were left alone. */
  epoch: number;
  /** Decisions of that epoch that Postgres has recorded, these included. */
  recorded: number;
  /** Rows that this call made. Fewer than orders means that some are to be looked at one by one (`judgeUnstored`). */
  stored: number;
}

/**
 * The fence is locked first: while this statement runs, no other Redis can be taken over for the lane. All that follows
 * counts, and announces, only what the insert RETURNED, so an order that is stored already counts nowhere twice.
 */
const STORE_ORDERS = `
  WITH fence AS MATERIALIZED (
    SELECT epoch FROM lanes
    WHERE lane = $1 AND run_id = $2 AND CASE WHEN $10 THEN epoch = $11 ELSE NOT (epoch = $11 AND recorded < $12) END
    FOR NO KEY UPDATE
  ), stored AS (
    INSERT INTO orders (sale_id, order_id, version, amount_minor, decided_at, expires_at,
                        quantity, lane, currency, buyer_id, idempotency_key)
    SELECT e.sale_id, e.order_id, e.version, e.quantity::bigint * s.price_minor,
           to_timestamp(e.decided_at_ms / 1000.0), now() + make_interval(secs => s.payment_window_seconds),
           e.quantity, $1, s.currency, e.buyer_id, e.idempotency_key
    FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::integer[], $8::bigint[], $9::bigint[])
           AS e (sale_id, order_id, buyer_id, idempotency_key, quantity, version, decided_at_ms)
    JOIN fence ON $10 OR e.version / ${VERSIONS_PER_EPOCH} = fence.epoch
    JOIN sales s ON s.sale_id = e.sale_id
    JOIN sale_lanes sl ON sl.sale_id = e.sale_id AND sl.lane = $1
    ORDER BY e.sale_id, e.order_id
    ON CONFLICT (sale_id, order_id) DO NOTHING
    RETURNING sale_id, order_id, quantity, version
  ), announced AS (${appendEvents('order.reserved', 'stored')}
  ), taken AS MATERIALIZED (
    SELECT sale_id, sum(quantity) AS units FROM stored GROUP BY sale_id
  ), locked AS MATERIALIZED (
    SELECT sale_id FROM sale_lanes WHERE lane = $1 AND sale_id IN (SELECT sale_id FROM taken)
    ORDER BY sale_id FOR NO KEY UPDATE
  ), counted AS (
    UPDATE sale_lanes SET held = held + taken.units
    FROM taken JOIN locked USING (sale_id)
    WHERE sale_lanes.lane = $1 AND sale_lanes.sale_id = taken.sale_id
  ), recorded AS (
    UPDATE lanes SET recorded = recorded + (SELECT count(*) FROM stored WHERE version / ${VERSIONS_PER_EPOCH} = lanes.epoch),
                     max_version = greatest(max_version, (SELECT max(version) FROM stored))
    FROM fence WHERE lane = $1
    RETURNING lanes.epoch, lanes.recorded
  )
  SELECT epoch, recorded, (SELECT count(*) FROM stored) AS stored FROM recorded`;

export interface ToStore {
  /** The Redis from which they were read. */
  runId: string;
  /** The lane in that Redis, before they were read: its epoch, and what Postgres has recorded of it at least. */
  known: { epoch: number; recorded: number };
  orders: readonly AcceptedOrder[];
  /**
   * The stream holds orders of the epoch in which it is read; those of another one were passed over by a rebuild. `buyers` holds
   * also orders that a rebuild has brought into the epoch: they are stored as long as the lane is still in it, for in a
   * later epoch their units may be sold again.
   */
  from: 'stream' | 'buyers';
}

/**
 * Stores orders of one lane that were read from the Redis with that run id: one statement, one transaction.
 *
 * @returns undefined when the lane belongs to another Redis, what `buyers` held is of an epoch that is over, or Postgres has forgotten what it had recorded (a replica was
 *          promoted; storing more would hide it from the guard): nothing was stored, the entries are to be read again.
 * @throws a data error (`isDataError`) when one of them breaks a rule of the database; then none is stored.
 */
export async function storeOrders(
  db: Pool | PoolClient,
  lane: number,
  { runId, known, orders, from }: ToStore,
): Promise<Stored | undefined> {
  const { rows } = await db.query<Stored>({
    name: 'store-orders',
    text: STORE_ORDERS,
    values: [
      lane,
      runId,
      orders.map((order) => order.saleId),
      orders.map((order) => order.orderId),
      orders.map((order) => order.buyer),
      orders.map((order) => order.idempotencyKey),
      orders.map((order) => order.quantity),
      orders.map((order) => order.version),
      orders.map((order) => order.decidedAtMs),
      from === 'buyers',
      known.epoch,
      known.recorded,
    ],
  });
  return rows[0];
}
