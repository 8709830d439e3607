import type { PoolClient } from 'pg';
import type { NEXT_STATUSES } from '../orders/order-status.js';
import { appendEvents } from '../outbox/append-event.js';

export interface OrderRef {
  saleId: string;
  orderId: string;
}

/** A step in the life of an order. Others do not compile. */
type Move = {
  [From in keyof typeof NEXT_STATUSES]: { from: From; to: (typeof NEXT_STATUSES)[From][number] };
}[keyof typeof NEXT_STATUSES];
export type Leaving = Extract<Move, { from: 'pending_payment' }>;

/** Locked in the order of their key, as everywhere; then the status says, as it is now, who was first. */
const MOVED = `
  WITH locked AS MATERIALIZED (
    SELECT o.sale_id, o.order_id
    FROM orders o JOIN unnest($1::uuid[], $2::uuid[]) AS e (sale_id, order_id) USING (sale_id, order_id)
    ORDER BY o.sale_id, o.order_id FOR NO KEY UPDATE OF o
  ), moved AS (
    UPDATE orders SET status = $4, finished_at = now()
    FROM locked
    WHERE orders.sale_id = locked.sale_id AND orders.order_id = locked.order_id AND orders.status = $3
    RETURNING orders.sale_id, orders.order_id, orders.lane, orders.quantity
  )`;

/** Its units are sold: they stay held, so the hot row of the sale is not touched. */
const PAY = `${MOVED}, announced AS (${appendEvents('order.paid', 'moved')}
  )
  SELECT sale_id AS "saleId", order_id AS "orderId" FROM moved`;

/** Its units are free in Postgres now; in Redis they are once compensation has given them back. */
const LEAVE_UNPAID = `${MOVED}, freed AS MATERIALIZED (
    SELECT sale_id, lane, sum(quantity) AS units FROM moved GROUP BY sale_id, lane
  ), locked_lanes AS MATERIALIZED (
    SELECT sale_id, lane FROM sale_lanes WHERE (sale_id, lane) IN (SELECT sale_id, lane FROM freed)
    ORDER BY sale_id, lane FOR NO KEY UPDATE
  ), counted AS (
    UPDATE sale_lanes SET held = held - freed.units
    FROM freed JOIN locked_lanes USING (sale_id, lane)
    WHERE sale_lanes.sale_id = freed.sale_id AND sale_lanes.lane = freed.lane
  )
  SELECT sale_id AS "saleId", order_id AS "orderId" FROM moved`;

/**
 * Takes orders out of `pending_payment`, with all that follows from it, in the caller's transaction. Payment, expiry and the
 * buyer race for it: the database decides who was first. Planned each time, so that a caller may say `byKeys` before.
 *
 * @returns the orders that were moved. One that is missing has left before, which is no error.
 */
export async function moveOrders(tx: PoolClient, orders: readonly OrderRef[], move: Leaving): Promise<OrderRef[]> {
  if (orders.length === 0) return [];
  const { rows } = await tx.query<OrderRef>(move.to === 'paid' ? PAY : LEAVE_UNPAID, [
    orders.map(({ saleId }) => saleId),
    orders.map(({ orderId }) => orderId),
    move.from,
    move.to,
  ]);
  return rows;
}
