import type { Pool } from 'pg';
import { Problem } from '../platform/http/problem.js';
import { STORE_UNAVAILABLE } from '../platform/http/problems.js';
import type { LaneWatch } from '../order-stream/lane-watch.js';
import type { HeldOrder } from '../stock/buyer-record.js';
import { laneOf } from '../stock/lane-of.js';
import type { Stock } from '../stock/stock.js';
import { epochOf, ordinalOf } from '../stock/version.js';
import { type OrderView, type QueuePosition, viewQueuedOrder, viewStoredOrder } from './order-view.js';
import type { SaleTermsReader } from './sale-terms.js';
import { selectOrder, selectOrdersOf } from './select-orders.js';

/** Longer is no estimate. */
const ETA_SECONDS_MAX = 3_600;

const NOT_READABLE = new Problem(STORE_UNAVAILABLE, 'Your order cannot be read right now. It is not lost.', {
  retryAfterSeconds: 1,
});

/** Who asks. An admin may see every order that is stored. */
export interface Asker {
  subject: string;
  role: 'buyer' | 'admin';
}

/**
 * Reads orders for those who may see them.
 *
 * Promises:  an order is found from its 202 on: first in Redis (`queued`), then in Postgres.
 * Does not:  say "not found" when a store that would know cannot be asked, or has forgotten.
 */
export class OrderReader {
  constructor(
    private readonly pool: Pool,
    private readonly stock: Stock,
    private readonly terms: SaleTermsReader,
    private readonly watch: LaneWatch,
    private readonly stockLanes: number,
  ) {}

  /** @returns undefined when there is no such order, or it is somebody else's. @throws Problem `store-unavailable` */
  async read(asker: Asker, saleId: string, orderId: string): Promise<OrderView | undefined> {
    const row = await selectOrder(this.pool, saleId, orderId);
    if (row && (row.buyer === asker.subject || asker.role === 'admin')) return viewStoredOrder(row);
    // Also about somebody else's: the answer must be the one about an order that does not exist.
    return this.readQueued(asker.subject, saleId, orderId);
  }

  /** Stored orders of a buyer, newest first. */
  async list(buyer: string, page: { before: string | null; limit: number }): Promise<OrderView[]> {
    return (await selectOrdersOf(this.pool, buyer, page)).map(viewStoredOrder);
  }

  private async readQueued(buyer: string, saleId: string, orderId: string): Promise<OrderView | undefined> {
    const terms = await this.terms.read(saleId);
    if (!terms) return undefined;
    const lane = laneOf(terms, buyer, this.stockLanes);
    const found = await this.stock.findOrder(lane, saleId, { buyer, orderId });
    if (found.order) return viewQueuedOrder(found.order, terms, this.positionOf(lane, found.order));
    // The lane may have forgotten it: only an open lane knows that there was no such order.
    if (!found.laneIsOpen) throw NOT_READABLE;
    return undefined;
  }

  private positionOf(lane: number, { version }: HeldOrder): QueuePosition {
    const progress = this.watch.progressOf(lane);
    if (!progress || progress.epoch !== epochOf(version)) return { ahead: 0, etaSeconds: 1 };
    const ahead = Math.max(0, ordinalOf(version) - 1 - progress.recorded);
    return { ahead, etaSeconds: Math.min(ETA_SECONDS_MAX, Math.max(1, Math.ceil(ahead / progress.perSecond))) };
  }
}
