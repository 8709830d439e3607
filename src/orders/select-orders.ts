import type { Pool } from 'pg';
import type { OrderRow } from './order-view.js';

const COLUMNS = `order_id AS "orderId", sale_id AS "saleId", buyer_id AS buyer, quantity, amount_minor AS "amountMinor",
  currency, status, decided_at AS "decidedAt", stored_at AS "storedAt", expires_at AS "expiresAt",
  finished_at AS "finishedAt",
  (SELECT payment_url FROM payments p WHERE p.order_id = orders.order_id AND payment_url IS NOT NULL LIMIT 1) AS "paymentUrl",
  (SELECT CASE bool_and(done_at IS NOT NULL) WHEN true THEN 'done' WHEN false THEN 'due' END
   FROM refunds r WHERE r.order_id = orders.order_id) AS refund`;

export async function selectOrder(pool: Pool, saleId: string, orderId: string): Promise<OrderRow | undefined> {
  const { rows } = await pool.query<OrderRow>({
    name: 'select-order',
    text: `SELECT ${COLUMNS} FROM orders WHERE sale_id = $1 AND order_id = $2`,
    values: [saleId, orderId],
  });
  return rows[0];
}

/** Those of these orders that are stored, in one query. */
export async function selectOrders(
  pool: Pool,
  asked: readonly { saleId: string; orderId: string }[],
): Promise<OrderRow[]> {
  const { rows } = await pool.query<OrderRow>({
    name: 'select-orders',
    text: `SELECT ${COLUMNS} FROM unnest($1::uuid[], $2::uuid[]) AS asked (sale_id, order_id)
           JOIN orders USING (sale_id, order_id)`,
    values: [asked.map(({ saleId }) => saleId), asked.map(({ orderId }) => orderId)],
  });
  return rows;
}

/** A buyer's orders, newest first, from the one before `before` on. */
export async function selectOrdersOf(
  pool: Pool,
  buyer: string,
  { before, limit }: { before: string | null; limit: number },
): Promise<OrderRow[]> {
  const { rows } = await pool.query<OrderRow>({
    name: 'select-orders-of',
    text: `SELECT ${COLUMNS} FROM orders WHERE buyer_id = $1 AND ($2::uuid IS NULL OR order_id < $2)
           ORDER BY order_id DESC LIMIT $3`,
    values: [buyer, before, limit],
  });
  return rows;
}
