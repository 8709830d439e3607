import type { Pool } from 'pg';
import { moveOrders } from '../ledger/move-orders.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { OrderChanges } from './order-changes.js';
import type { OrderReader } from './order-reader.js';
import type { OrderView } from './order-view.js';
import { ORDER_NOT_FOUND } from './paths.js';

const FINAL = new Problem(
  problemType('order-final', 409, {
    title: 'The order is finished',
    when: 'The order is paid, expired or rejected, and cannot be cancelled any more.',
    next: 'Read the order to see what became of it.',
  }),
  'The order is paid, expired or rejected: it cannot be cancelled any more.',
);
const QUEUED = new Problem(
  problemType('order-queued', 409, {
    title: 'The order is not stored yet',
    when: 'The order is accepted and waits to be stored; only after that it can be cancelled.',
    next: 'Wait for `Retry-After` seconds, then send the request again.',
  }),
  'The order is accepted and waits to be stored; it can be cancelled after that.',
  { retryAfterSeconds: 1 },
);

export const NOT_CANCELLABLE = [FINAL.type, QUEUED.type];

/**
 * A buyer gives an order up that is not paid.
 *
 * Promises:  of cancellation, payment and expiry one is first; who says 202 has cancelled it, or it was cancelled before.
 * Does not:  wait until the units are on sale again: compensation does that within a second.
 */
export class CancelOrder {
  constructor(
    private readonly pool: Pool,
    private readonly reader: OrderReader,
    private readonly changes: OrderChanges,
  ) {}

  /** @returns the order, cancelled. @throws Problem `order-not-found`, `order-queued`, `order-final` */
  async cancel(buyer: string, saleId: string, orderId: string): Promise<OrderView> {
    const asker = { subject: buyer, role: 'buyer' } as const;
    const order = await this.reader.read(asker, saleId, orderId);
    if (!order) throw ORDER_NOT_FOUND;
    if (order.status === 'queued') throw QUEUED;
    if (order.status === 'cancelled') return order;
    if (order.status !== 'pending_payment') throw FINAL;
    await inTransaction(this.pool, (tx) =>
      moveOrders(tx, [{ saleId, orderId }], { from: 'pending_payment', to: 'cancelled' }),
    );
    this.changes.publish([orderId]);
    const now = await this.reader.read(asker, saleId, orderId);
    if (now?.status !== 'cancelled') throw FINAL; // payment or expiry was first, or another cancellation
    return now;
  }
}
