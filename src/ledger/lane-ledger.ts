import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { isDataError } from '../platform/postgres/errors.js';
import { type AcceptedOrder, decodeOrder, encodeOrder } from '../order-stream/accepted-order.js';
import type { OrderStream, StreamEntry, Taken } from '../order-stream/order-stream.js';
import type { OrderChanges } from '../orders/order-changes.js';
import { judgeUnstored } from './judge-unstored.js';
import type { LedgerMetrics } from './ledger-metrics.js';
import type { Term } from './record-releases.js';
import { type DeadLetter, recordDeadLetter } from './record-dead-letter.js';
import { type Stored, storeOrders } from './store-orders.js';

interface Recordable {
  order: AcceptedOrder;
  entry: StreamEntry;
}

interface Batch extends Pick<Taken, 'runId' | 'known'> {
  /** Orders that were found in `buyers` have no entry in the stream that could be struck off. */
  from: 'stream' | 'buyers';
  orders: readonly Recordable[];
}

/**
 * Brings the decisions of one lane onto record in Postgres, whoever has read them.
 *
 * Promises:  an entry is acknowledged only after its order is committed, or it is among the dead letters.
 * Promises:  an order is stored once, however often it is brought and whoever brings it.
 * Promises:  an order is blamed only for its own fault; an error of Postgres leaves everything as it was.
 */
export class LaneLedger {
  /** Deleted from outside while they were pending. Redis names them only once, so they are kept until they are listed. */
  readonly #deleted = new Map<string, StreamEntry>();

  constructor(
    private readonly lane: number,
    private readonly stream: OrderStream,
    private readonly pool: Pool,
    private readonly changes: OrderChanges,
    private readonly metrics: LedgerMetrics,
    private readonly logger: Logger,
  ) {}

  /** Stores what was taken from the stream, and strikes it off; what cannot be stored becomes a dead letter. */
  async settle({ runId, known, entries }: Pick<Taken, 'runId' | 'known' | 'entries'>): Promise<void> {
    for (const entry of entries.filter(({ fields }) => fields === null)) this.#deleted.set(entry.id, entry);
    for (const entry of this.#deleted.values()) {
      await this.setAside(entry, { reason: 'unreadable', detail: 'it was deleted before it was stored' });
      this.#deleted.delete(entry.id);
    }
    const orders: Recordable[] = [];
    for (const entry of entries.filter(({ fields }) => fields !== null)) {
      const decoded = decodeOrder(entry.fields);
      if ('order' in decoded) orders.push({ entry, order: decoded.order });
      else await this.setAside(entry, { reason: 'unreadable', detail: decoded.unreadableBecause });
    }
    if (orders.length > 0) await this.store({ runId, known, from: 'stream', orders });
  }

  /** Stores orders that `buyers` held in this term and Postgres has not: each is accepted, whatever became of its entry. */
  async storeAgain({ runId, epoch }: Term, orders: readonly AcceptedOrder[]): Promise<void> {
    if (orders.length === 0) return;
    const known = { epoch, recorded: 0 }; // whoever looks into `buyers` heals a Postgres that went back
    await this.store({ runId, known, from: 'buyers', orders: orders.map(asIfFromTheStream) });
  }

  private async store(batch: Batch): Promise<void> {
    const orders = batch.orders.map(({ order }) => order);
    let stored: Stored | undefined;
    try {
      stored = await storeOrders(this.pool, this.lane, {
        ...batch,
        orders,
      });
    } catch (error) {
      if (!isDataError(error)) throw error;
      return this.bisect(batch, error);
    }
    if (!stored) {
      throw new Error(
        `lane ${this.lane} is not in this term on Redis ${batch.runId}, or Postgres went back: entries wait`,
      );
    }
    this.metrics.stored(stored.stored);

    const done = stored.stored === orders.length ? batch.orders : await this.buryTheDead(stored.epoch, batch);
    const entryIds = batch.from === 'stream' ? done.map(({ entry }) => entry.id) : [];
    if (done.length > 0) await this.stream.acknowledge(entryIds, stored);
    if (stored.stored > 0) this.changes.publish(done.map(({ order }) => order.orderId));
  }

  /** One bad row fails the whole statement: halves are stored apart until it stands alone. */
  private async bisect(batch: Batch, error: Error): Promise<void> {
    const { orders } = batch;
    if (orders.length === 1 && orders[0]) {
      return this.bury(batch, orders[0], { reason: 'refused-by-database', detail: error.message });
    }
    const middle = Math.ceil(orders.length / 2);
    await this.store({ ...batch, orders: orders.slice(0, middle) });
    await this.store({ ...batch, orders: orders.slice(middle) });
  }

  /** @returns those that are stored; the others are dead letters now. */
  private async buryTheDead(epoch: number, batch: Batch): Promise<Recordable[]> {
    const { orders } = batch;
    const fates = await judgeUnstored(this.pool, this.lane, { epoch, orders: orders.map(({ order }) => order) });
    const done: Recordable[] = [];
    for (const [index, fate] of fates.entries()) {
      const recordable = orders[index] as Recordable;
      if (fate.is === 'stored') done.push(recordable);
      else await this.bury(batch, recordable, fate);
    }
    return done;
  }

  private bury({ from }: Batch, { entry }: Recordable, letter: DeadLetter): Promise<void> {
    return from === 'stream' ? this.setAside(entry, letter) : this.list(entry, letter);
  }

  /** First where people look, then off the stream: a crash between the two is made good by the next delivery. */
  private async setAside(entry: StreamEntry, letter: DeadLetter): Promise<void> {
    await this.list(entry, letter);
    await this.stream.setAside(entry.id, letter.reason);
  }

  private async list(entry: StreamEntry, letter: DeadLetter): Promise<void> {
    await recordDeadLetter(this.pool, this.lane, { entry, letter });
    this.metrics.deadLetter(letter.reason);
    this.logger.error({ lane: this.lane, entryId: entry.id, ...letter }, 'entry set aside as a dead letter');
  }
}

/** Its dead letter, should it become one, is named after the order: there is one however often the order is found. */
const asIfFromTheStream = (order: AcceptedOrder): Recordable => ({
  order,
  entry: { id: `order ${order.orderId}`, fields: encodeOrder(order) },
});
