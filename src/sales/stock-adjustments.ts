import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { OrderStreams } from '../order-stream/order-streams.js';
import { failpoint } from '../platform/failpoint.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { isStoreAway } from '../platform/store-errors.js';
import type { Stock } from '../stock/stock.js';
import type { AdjustmentReply } from '../stock/stock-replies.js';
import {
  type Adjustment,
  type AdjustmentWish,
  beginAdjustment,
  recordAdjustment,
  selectAdjustment,
  selectPendingAdjustments,
} from './adjustment-rows.js';
import type { SaleLoader } from './sale-loader.js';

/** What became of a wish. */
export type Adjusted =
  | { is: 'done'; adjustment: Adjustment; isRepeated: boolean }
  /** Fewer units are free than it takes away. Nothing changed; the same key is decided afresh. */
  | { is: 'stock-in-use' }
  /** The key has an adjustment by another number of units. */
  | { is: 'key-reused' }
  /** The total would not be 0 to 10^9. */
  | { is: 'out-of-range' }
  | { is: 'unknown-sale' }
  | { is: 'sealed' }
  /** The sale is in no open lane yet, or an earlier adjustment cannot be finished: nothing was begun. */
  | { is: 'not-now' }
  /** It is on record, and will be finished. */
  | { is: 'pending' };

/** How many adjustments of others one wish finishes before it gives up; each of them was somebody's progress. */
const ATTEMPTS_MAX = 10;

/** Bounds one pass; each is a script and a transaction. */
const PER_PASS_MAX = 100;

/**
 * Raises and lowers the stock of a sale that is loaded: on record first, then in Redis, then what Redis has answered on record.
 *
 * Promises:  an adjustment is applied once, wherever it stops and however often it is asked for: its script applies a number
 *            once, and a pass finishes what was begun.
 * Promises:  Postgres' total is never below what Redis may sell from: it is raised before Redis, and lowered after it.
 * Does not:  take units that buyers hold.
 */
export class StockAdjustments {
  readonly #reported = new Set<string>();

  constructor(
    private readonly pool: Pool,
    private readonly stock: Stock,
    private readonly streams: OrderStreams,
    private readonly loader: SaleLoader,
    private readonly logger: Logger,
  ) {}

  /** @throws a store error before anything is known of the wish: it may be on record. */
  async adjust(wish: AdjustmentWish): Promise<Adjusted> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const begun = await inTransaction(this.pool, (tx) => beginAdjustment(tx, wish));
      if (begun === 'not-loaded') {
        if (!(await this.load(wish.saleId))) return { is: 'not-now' };
      } else if (typeof begun === 'string') {
        return { is: begun };
      } else if (begun.adjustment.idempotencyKey === wish.idempotencyKey) {
        return this.answer(wish, begun);
      } else if ((await this.finishIfPossible(begun.adjustment)).state === 'pending') {
        return { is: 'not-now' };
      }
    }
    return { is: 'not-now' };
  }

  /** Finishes what was cut short in our lanes. @returns how many it finished. */
  async runOnce(): Promise<number> {
    const pending = await selectPendingAdjustments(this.pool, [...this.streams.keys()], PER_PASS_MAX);
    const results = await Promise.allSettled(pending.map((adjustment) => this.finish(adjustment)));
    // One that fails does not keep the others back.
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return results.filter((result) => result.status === 'fulfilled' && result.value.state !== 'pending').length;
  }

  private async answer(
    wish: AdjustmentWish,
    begun: { is: 'begun' | 'earlier'; adjustment: Adjustment },
  ): Promise<Adjusted> {
    if (begun.adjustment.delta !== wish.delta) return { is: 'key-reused' };
    let { adjustment } = begun;
    if (adjustment.state === 'pending') {
      failpoint('adjust-inserted');
      adjustment = await this.finishIfPossible(adjustment);
    }
    if (adjustment.state === 'pending') return { is: 'pending' };
    if (adjustment.state === 'refused') return { is: 'stock-in-use' };
    return { is: 'done', adjustment, isRepeated: begun.is === 'earlier' };
  }

  private async load(saleId: string): Promise<boolean> {
    return this.loader.push(saleId).catch((error: unknown) => {
      if (isStoreAway(error)) return false;
      throw error;
    });
  }

  private async finishIfPossible(adjustment: Adjustment): Promise<Adjustment> {
    try {
      return await this.finish(adjustment);
    } catch (error) {
      if (isStoreAway(error)) return adjustment;
      throw error;
    }
  }

  /** @returns it as it is on record now: still pending while its lane is closed, or was taken over meanwhile. */
  private async finish(adjustment: Adjustment): Promise<Adjustment> {
    const { lane, saleId } = adjustment;
    const reply = await this.stock.adjust(lane, saleId, adjustment);
    failpoint('adjust-scripted');
    if (reply.outcome === 'ADJUSTED' || reply.outcome === 'REFUSED') await this.record(adjustment, reply);
    const now = await selectAdjustment(this.pool, adjustment);
    const isOdd = reply.outcome === 'MISSING' || reply.outcome === 'OUTDATED';
    if (isOdd && now.state === 'pending') this.reportOdd(adjustment, reply);
    return now;
  }

  private async record(adjustment: Adjustment, reply: AdjustmentReply): Promise<void> {
    const recorded = await inTransaction(this.pool, (tx) => recordAdjustment(tx, adjustment, reply));
    if (!recorded) return;
    const telling = this.streams.get(adjustment.lane)?.acknowledge([], recorded);
    await telling?.catch(() => undefined); // the guard tells Redis too
  }

  /** An open lane that does not know the adjustments before this one, or knows later ones. Once for each: it comes again with every pass. */
  private reportOdd({ saleId, lane, number }: Adjustment, { outcome }: AdjustmentReply): void {
    const name = `${saleId} ${lane} ${number}`;
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    this.logger.error(
      { saleId, lane, number, outcome },
      'Redis does not know the adjustments of a sale as Postgres does',
    );
  }
}
