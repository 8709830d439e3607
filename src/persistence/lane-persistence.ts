import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { isDataError } from '../platform/postgres/errors.js';
import { BLOCK_MS_MAX } from '../platform/redis/connect.js';
import { type AcceptedOrder, decodeOrder } from '../order-stream/accepted-order.js';
import type { OrderStream, StreamEntry, Taken } from '../order-stream/order-stream.js';
import { judgeUnstored } from './judge-unstored.js';
import type { PersistenceMetrics } from './persistence-metrics.js';
import { type DeadLetter, recordDeadLetter } from './record-dead-letter.js';
import { type Stored, storeOrders } from './store-orders.js';

export interface LanePersistenceOptions {
  lane: number;
  /** Its name in the consumer group; never that of another worker, dead or alive. */
  consumer: string;
  batchMax: number;
  /** How long another worker may be silent before its entries are taken over. */
  staleAfterMs: number;
}

interface ReadableEntry {
  entry: StreamEntry;
  order: AcceptedOrder;
}

/**
 * Stores the accepted orders of one lane.
 *
 * Promises:  an entry is acknowledged only after its order is committed, or it is among the dead letters.
 * Promises:  an order is stored once, however often its entry is delivered and whoever delivers it.
 * Promises:  an entry is blamed only for its own fault; while Postgres is away everything waits.
 * Does not:  keep an order of storing across workers. `version` is the order of decisions.
 */
export class LanePersistence {
  /** Deleted from outside while they were pending. Redis names them only once, so they are kept until they are listed. */
  readonly #deleted: StreamEntry[] = [];
  /** True while entries may be in our hands that were not dealt with. */
  #unfinished = false;
  #newestId = '0-0';

  constructor(
    private readonly options: LanePersistenceOptions,
    private readonly stream: OrderStream,
    private readonly pool: Pool,
    private readonly metrics: PersistenceMetrics,
    private readonly logger: Logger,
  ) {}

  /** One batch: take over and read, store, acknowledge. @returns how many entries it dealt with. */
  async runOnce(): Promise<number> {
    const again = this.#unfinished;
    this.#unfinished = true; // also when the reply to the read is lost: the entries are ours then
    const { runId, entries } = await this.take(again);
    await this.settle(runId, entries);
    this.#unfinished = again && entries.length > 0;
    return again && entries.length === 0 ? this.runOnce() : entries.length;
  }

  /** Resolves when there may be more to do, at the latest when stale entries of others are due to be looked for. */
  waitForMore(blockingRedis: Redis): Promise<void> {
    return this.stream.waitForMore(blockingRedis, this.#newestId, BLOCK_MS_MAX);
  }

  /** What a failed pass has left in hand comes first, until there is none of it. */
  private async take(again: boolean): Promise<Taken> {
    const { consumer, batchMax: entriesMax, staleAfterMs } = this.options;
    const taken = await (again
      ? this.stream.takeAgain(consumer, entriesMax)
      : this.stream.take(consumer, { entriesMax, staleAfterMs }));
    this.#newestId = taken.newestId;
    return taken;
  }

  private async settle(runId: string, entries: readonly StreamEntry[]): Promise<void> {
    this.#deleted.push(...entries.filter(({ fields }) => fields === null));
    for (let lost = this.#deleted[0]; lost; lost = this.#deleted[0]) {
      await this.bury(lost, { reason: 'unreadable', detail: 'it was deleted before it was stored' });
      this.#deleted.shift();
    }
    const readable: ReadableEntry[] = [];
    for (const entry of entries.filter(({ fields }) => fields !== null)) {
      const decoded = decodeOrder(entry.fields);
      if ('order' in decoded) readable.push({ entry, order: decoded.order });
      else await this.bury(entry, { reason: 'unreadable', detail: decoded.unreadableBecause });
    }
    if (readable.length > 0) await this.store(runId, readable);
  }

  private async store(runId: string, batch: readonly ReadableEntry[]): Promise<void> {
    const { lane } = this.options;
    const orders = batch.map(({ order }) => order);
    let stored: Stored | undefined;
    try {
      stored = await storeOrders(this.pool, lane, { runId, orders });
    } catch (error) {
      if (!isDataError(error)) throw error;
      return this.bisect(runId, batch, error);
    }
    if (!stored) throw new Error(`lane ${lane} has not taken Redis ${runId} over: its entries wait`);
    this.metrics.stored(stored.stored);

    const done = stored.stored === batch.length ? batch : await this.buryTheDead(stored.epoch, batch);
    await this.acknowledge(done, stored);
  }

  /** One bad row fails the whole statement: halves are stored apart until it stands alone. */
  private async bisect(runId: string, batch: readonly ReadableEntry[], error: Error): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only) {
      return this.bury(only.entry, { reason: 'refused-by-database', detail: error.message });
    }
    const middle = Math.ceil(batch.length / 2);
    await this.store(runId, batch.slice(0, middle));
    await this.store(runId, batch.slice(middle));
  }

  /** @returns the entries whose orders are stored; the others are dead letters now. */
  private async buryTheDead(epoch: number, batch: readonly ReadableEntry[]): Promise<ReadableEntry[]> {
    const orders = batch.map(({ order }) => order);
    const fates = await judgeUnstored(this.pool, this.options.lane, { epoch, orders });
    const done: ReadableEntry[] = [];
    for (const [index, fate] of fates.entries()) {
      const readable = batch[index] as ReadableEntry;
      if (fate.is === 'stored') done.push(readable);
      else await this.bury(readable.entry, fate);
    }
    return done;
  }

  private async acknowledge(done: readonly ReadableEntry[], stored: Stored): Promise<void> {
    if (done.length === 0) return;
    await this.stream.acknowledge(
      done.map(({ entry }) => entry.id),
      stored,
    );
  }

  /** First where people look, then off the stream: a crash between the two is made good by the next delivery. */
  private async bury(entry: StreamEntry, letter: DeadLetter): Promise<void> {
    await recordDeadLetter(this.pool, this.options.lane, { entry, letter });
    await this.stream.setAside(entry.id, letter.reason);
    this.metrics.deadLetter(letter.reason);
    this.logger.error({ lane: this.options.lane, entryId: entry.id, ...letter }, 'entry set aside as a dead letter');
  }
}
