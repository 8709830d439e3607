import type { Pool } from 'pg';
import { Counter, type Registry } from 'prom-client';
import { moveOrders, type OrderRef } from '../ledger/move-orders.js';
import type { OrderChanges } from '../orders/order-changes.js';
import { failpoint } from '../platform/failpoint.js';
import type { Held } from '../platform/lock/held.js';
import { byKeys } from '../platform/postgres/by-keys.js';
import { inTransaction } from '../platform/postgres/transaction.js';

/** Orders of one transaction: it locks the rows of their sales for some 20 ms, and storing waits for those. */
const PER_PASS_MAX = 500;

/** From the front of an index that only orders are in that wait for their payment. */
const SELECT_DUE = `
  SELECT sale_id AS "saleId", order_id AS "orderId" FROM orders
  WHERE status = 'pending_payment' AND expires_at <= now()
  ORDER BY expires_at LIMIT ${PER_PASS_MAX}`;

/**
 * Expires the orders whose time to pay is over, by Postgres' clock.
 *
 * Promises:  an order expires as soon as its window is over, and not before; one that was paid or cancelled meanwhile is
 *            left alone.
 * Does not:  give the units back. Postgres counts them free at once; compensation puts them on sale again in Redis.
 * Does not:  hold a timer for each order: what is due is read, a batch at a time.
 */
export class ExpireUnpaidOrders {
  readonly #expired: Counter;

  constructor(
    private readonly pool: Pool,
    private readonly changes: OrderChanges,
    registry: Registry,
  ) {
    const help = 'Orders that expired, for they were not paid in time';
    this.#expired = new Counter({ name: 'stampede_orders_expired_total', help, registers: [registry] });
  }

  /** One batch. @returns how many orders it has looked at: with a full batch there may be more. */
  async runOnce(held: Held): Promise<number> {
    const { due, expired } = await inTransaction(this.pool, async (tx) => {
      await held.require(tx);
      await byKeys(tx);
      const { rows } = await tx.query<OrderRef>(SELECT_DUE);
      return { due: rows, expired: await moveOrders(tx, rows, { from: 'pending_payment', to: 'expired' }) };
    });
    if (expired.length > 0) failpoint('orders-expired');
    this.#expired.inc(expired.length);
    this.changes.publish(expired.map(({ orderId }) => orderId));
    return due.length;
  }
}
