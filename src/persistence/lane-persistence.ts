import type { Redis } from 'ioredis';
import { BLOCK_MS_MAX } from '../platform/redis/connect.js';
import type { LaneLedger } from '../ledger/lane-ledger.js';
import type { OrderStream, Taken } from '../order-stream/order-stream.js';

export interface LanePersistenceOptions {
  /** Its name in the consumer group; never that of another worker, dead or alive. */
  consumer: string;
  /** Asked before each batch. */
  batchMax: () => number;
  /** How long another worker may be silent before its entries are taken over. */
  staleAfterMs: number;
}

/**
 * Takes the accepted orders of one lane off the stream, batch by batch, and has them stored.
 *
 * Promises:  what it was given comes first until it is dealt with, also after a failure and after a lost reply.
 * Promises:  while Postgres is away everything waits, and no entry is blamed for it.
 * Does not:  keep an order of storing across workers. `version` is the order of decisions.
 */
export class LanePersistence {
  /** True while entries may be in our hands that were not dealt with. */
  #unfinished = false;
  #newestId = '0-0';

  constructor(
    private readonly options: LanePersistenceOptions,
    private readonly stream: OrderStream,
    private readonly ledger: LaneLedger,
  ) {}

  /** One batch: take over and read, store, acknowledge. @returns how many entries it dealt with. */
  async runOnce(): Promise<number> {
    const again = this.#unfinished;
    this.#unfinished = true; // also when the reply to the read is lost: the entries are ours then
    const taken = await this.take(again);
    this.#newestId = taken.newestId;
    await this.ledger.settle(taken);
    this.#unfinished = again && taken.entries.length > 0;
    return again && taken.entries.length === 0 ? this.runOnce() : taken.entries.length;
  }

  /** Resolves when there may be more to do, at the latest when stale entries of others are due to be looked for. */
  waitForMore(blockingRedis: Redis): Promise<void> {
    return this.stream.waitForMore(blockingRedis, this.#newestId, BLOCK_MS_MAX);
  }

  private take(again: boolean): Promise<Taken> {
    const { consumer, batchMax, staleAfterMs } = this.options;
    const entriesMax = batchMax();
    return again
      ? this.stream.takeAgain(consumer, entriesMax)
      : this.stream.take(consumer, { entriesMax, staleAfterMs });
  }
}
