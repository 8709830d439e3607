import type { Pool } from 'pg';
import { Problem } from '../platform/http/problem.js';
import { STORE_UNAVAILABLE } from '../platform/http/problems.js';
import type { LaneWatch } from '../order-stream/lane-watch.js';
import type { HeldOrder } from '../stock/buyer-record.js';
import { laneOf } from '../stock/lane-of.js';
import type { Stock } from '../stock/stock.js';
import { epochOf, ordinalOf } from '../stock/version.js';
import { type OrderRow, type OrderView, type QueuePosition, viewQueuedOrder, viewStoredOrder } from './order-view.js';
import type { SaleTerms, SaleTermsReader } from './sale-terms.js';
import { selectOrder, selectOrders, selectOrdersOf } from './select-orders.js';

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

/** One order that somebody wants to see. */
export interface Asked {
  asker: Asker;
  saleId: string;
  orderId: string;
}

/** An order that is accepted and was not stored yet. How it looks depends on how far its lane is. */
export interface QueuedOrder {
  lane: number;
  held: HeldOrder;
  terms: SaleTerms;
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
    if (row && maySee(asker, row)) return viewStoredOrder(row);
    // Also about somebody else's: the answer must be the one about an order that does not exist.
    const queued = await this.findQueued({ asker, saleId, orderId });
    return queued && this.viewQueued(queued);
  }

  /** All that is asked, in one query. @returns undefined for an order that is not stored, or is somebody else's. */
  async readStored(asked: readonly Asked[]): Promise<(OrderView | undefined)[]> {
    const rows = new Map((await selectOrders(this.pool, asked)).map((row) => [row.saleId + row.orderId, row]));
    return asked.map(({ asker, saleId, orderId }) => {
      const row = rows.get(saleId + orderId);
      return row && maySee(asker, row) ? viewStoredOrder(row) : undefined;
    });
  }

  /** Stored orders of a buyer, newest first. */
  async list(buyer: string, page: { before: string | null; limit: number }): Promise<OrderView[]> {
    return (await selectOrdersOf(this.pool, buyer, page)).map(viewStoredOrder);
  }

  /** Only its buyer finds it. @throws Problem `store-unavailable` */
  async findQueued({ asker, saleId, orderId }: Asked): Promise<QueuedOrder | undefined> {
    const terms = await this.terms.read(saleId);
    if (!terms) return undefined;
    const lane = laneOf(terms, asker.subject, this.stockLanes);
    const { order: held, laneIsOpen } = await this.stock.findOrder(lane, saleId, { buyer: asker.subject, orderId });
    if (held) return { lane, held, terms };
    // The lane may have forgotten it: only an open lane knows that there was no such order.
    if (!laneIsOpen) throw NOT_READABLE;
    return undefined;
  }

  /** As of the last look at its lane. */
  viewQueued({ lane, held, terms }: QueuedOrder): OrderView {
    return viewQueuedOrder(held, terms, this.positionOf(lane, held));
  }

  /** False when its lane was rebuilt since: it may be lost. */
  isOfThisEpoch({ lane, held }: QueuedOrder): boolean {
    const progress = this.watch.progressOf(lane);
    return !progress || progress.epoch === epochOf(held.version);
  }

  private positionOf(lane: number, { version }: HeldOrder): QueuePosition {
    const progress = this.watch.progressOf(lane);
    if (!progress || progress.epoch !== epochOf(version)) return { ahead: 0, etaSeconds: 1 };
    const ahead = Math.max(0, ordinalOf(version) - 1 - progress.recorded);
    const waitSeconds = ahead === 0 ? 0 : ahead / progress.perSecond; // which is 0 while nothing is stored
    return { ahead, etaSeconds: Math.min(ETA_SECONDS_MAX, Math.max(1, Math.ceil(waitSeconds))) };
  }
}

const maySee = (asker: Asker, row: OrderRow): boolean => asker.role === 'admin' || row.buyer === asker.subject;
