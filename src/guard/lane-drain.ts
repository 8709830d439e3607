import type { Pool } from 'pg';
import type { CatchUp, CaughtUp } from '../ledger/catch-up.js';
import type { LaneLedger } from '../ledger/lane-ledger.js';
import type { OrderStream } from '../order-stream/order-stream.js';
import type { Stock } from '../stock/stock.js';
import { type ClosedLane, NotOurs } from '../stock/lane-writer.js';

/** In the consumer group; two guards may share it, for each takes over whatever the other holds. */
const CONSUMER = 'guard';
const ENTRIES_MAX = 2_000;

export interface Drained extends CaughtUp {
  /** Entries that were still in the stream. */
  entries: number;
}

/**
 * Brings everything on record that a closed lane knows.
 *
 * Promises:  when it returns, no entry is unread or pending, so none can be passed over by the epoch that follows. Entries
 *            that a worker holds, be it paused, are taken over at once: storing them twice changes nothing.
 */
export class LaneDrain {
  constructor(
    private readonly stream: OrderStream,
    private readonly ledger: LaneLedger,
    private readonly catchUp: CatchUp,
    private readonly stock: Stock,
    private readonly pool: Pool,
  ) {}

  /**
   * @param epochs of the lane. The buyers of an earlier one are an old copy: what they alone know was passed over by
   *        the rebuild that ended it, and is not stored any more.
   */
  async run(closed: ClosedLane, epochs: { redis: number; postgres: number }, goOn: () => void): Promise<Drained> {
    await this.announceForgotten(closed.lane, epochs.postgres);
    const entries = await this.drainStream(closed, goOn);
    if (epochs.redis !== epochs.postgres) return { entries, stored: 0, released: 0, forgotten: 0 };
    const term = { epoch: epochs.postgres, runId: closed.runId };
    return { entries, ...(await this.catchUp.run(term, { isRebuilding: true, goOn })) };
  }

  /** A Postgres that went back may have forgotten that a sale was ever loaded; Redis has it, and its buyers. */
  private async announceForgotten(lane: number, epoch: number): Promise<void> {
    const { rows } = await this.pool.query<{ saleId: string }>(
      'SELECT sale_id AS "saleId" FROM sale_lanes WHERE lane = $1 AND loaded_epoch IS NULL ORDER BY sale_id',
      [lane],
    );
    for (const { saleId } of rows) {
      if ((await this.stock.countPresent(lane, [saleId])) === 0) continue;
      await this.pool.query(
        'UPDATE sale_lanes SET loaded_epoch = $3 WHERE sale_id = $1 AND lane = $2 AND loaded_epoch IS NULL',
        [saleId, lane, epoch],
      );
    }
  }

  private async drainStream({ lane, runId }: ClosedLane, goOn: () => void): Promise<number> {
    let count = 0;
    for (;;) {
      goOn();
      const taken = await this.stream.take(CONSUMER, { entriesMax: ENTRIES_MAX, staleAfterMs: 0 });
      if (taken.runId !== runId) throw new NotOurs(lane);
      // What Redis knows to be recorded is no condition here: the drain heals a Postgres that has forgotten it.
      await this.ledger.settle({ ...taken, known: { epoch: 0, recorded: 0 } });
      count += taken.entries.length;
      if (taken.entries.length > 0) continue;
      const { unread, pending } = await this.stream.backlog();
      if (unread + pending === 0) return count;
    }
  }
}
