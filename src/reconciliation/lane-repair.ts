import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Held } from '../platform/lock/held.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { CatchUp } from '../ledger/catch-up.js';
import { WAITING_DECISIONS } from '../ledger/waiting-decisions.js';
import type { OrderStream } from '../order-stream/order-stream.js';
import { isOpen, type LaneGate, type LaneInRedis } from '../stock/lane-gate.js';
import { ordinalOf } from '../stock/version.js';

/** With more than this to store, persistence goes first: counting what is on its way would cost more than it tells. */
const BACKLOG_MAX = 10_000;

/**
 * SQL for dead letters of lane `$1` about entries of which Redis named the id, and nothing else was left. Those that are older
 * than the last rebuild are left to the operator: the order may be among what that one found nowhere.
 */
const ABOUT_DELETED_ENTRIES = `
  lane = $1 AND state = 'open' AND reason = 'unreadable' AND fields = '[]'
  AND first_seen_at > (SELECT coalesce(max(began_at), '-infinity') FROM rebuilds WHERE lane = $1)`;

interface OnRecord {
  epoch: number;
  recorded: number;
  /** Decisions that wait for an operator. */
  waiting: number;
  /** Releases and adjustments that Redis may have decided a moment before they are recorded. */
  underWay: number;
  /** Open dead letters of entries that were deleted from outside: nothing but their ids is known. */
  deletedEntries: number;
}

interface Count {
  /** Decisions that are neither recorded, nor a dead letter, nor in the stream. Never too large. */
  missing: number;
  /** Nothing moved while it was counted, and nothing is in the stream: `missing` is exact. */
  isExact: boolean;
}

/**
 * Mends what is proven to be missing in Postgres: an order that its buyer has in Redis and that is neither stored nor on its
 * way is stored again, whatever became of its stream entry.
 *
 * Promises:  a healthy lane is only counted, never scanned.
 * Does not:  give units back that are owed; compensation does, for every order that is finished unpaid.
 */
export class LaneRepair {
  /** What the last comparison with the buyers could not mend: it is not compared again for the same. */
  #beyondRepair = { missing: 0, deletedEntries: 0 };

  constructor(
    private readonly lane: { gate: LaneGate; stream: OrderStream; number: number },
    private readonly catchUp: CatchUp,
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  /** @param goOn called between any two pages; throws to stop. @returns how many decisions it brought on record, and how many dead letters it settled. */
  async runOnce(held: Held, goOn: () => void): Promise<number> {
    const redis = await this.lane.gate.read(this.lane.number);
    if (!isOpen(redis)) return 0;
    const onRecord = await this.readRecord();
    if (onRecord.epoch !== redis.epoch) return 0;
    if (ordinalOf(redis.version) - onRecord.recorded > BACKLOG_MAX) return 0;

    const { missing } = await this.count(redis);
    const { missing: missingStill, deletedEntries } = this.#beyondRepair;
    const isDue = missing > missingStill || onRecord.deletedEntries > deletedEntries;
    if (missing === 0 && onRecord.deletedEntries === 0) this.#beyondRepair = { missing: 0, deletedEntries: 0 };
    return isDue ? this.mend(redis, held, goOn) : this.settleDeletedEntries(held);
  }

  private async mend(redis: LaneInRedis, held: Held, goOn: () => void): Promise<number> {
    const term = { epoch: redis.epoch, runId: redis.serverRunId };
    const found = await this.catchUp.run(term, { isRebuilding: false, goOn });
    if (found.forgotten > 0) await this.askForRebuild(held);
    const settled = await this.settleDeletedEntries(held);
    const { missing } = await this.count(redis);
    this.#beyondRepair = { missing: Math.max(0, missing), deletedEntries: (await this.readRecord()).deletedEntries };
    const count = found.stored + found.released + settled;
    if (count > 0) this.logger.warn({ lane: this.lane.number, ...found, settled }, 'decisions brought on record again');
    if (missing > 0) {
      this.logger.error({ lane: this.lane.number, missing }, 'decisions are missing that no buyer knows');
    }
    return count;
  }

  /** Finishing orders again is for a lane that is closed. */
  private askForRebuild(held: Held): Promise<void> {
    return inTransaction(this.pool, async (tx) => {
      await held.require(tx);
      await tx.query('UPDATE lanes SET rebuild_asked = $2 WHERE lane = $1', [
        this.lane.number,
        'Postgres has forgotten that orders were finished: it went back',
      ]);
    });
  }

  /**
   * A letter about a deleted entry says only that some order may be missing. Once every decision of the lane is on record
   * none is: whichever order it was, it is stored.
   */
  private async settleDeletedEntries(held: Held): Promise<number> {
    if ((await this.readRecord()).deletedEntries === 0) return 0;
    const { missing, isExact } = await this.count(await this.lane.gate.read(this.lane.number));
    if (!isExact || missing > 0) return 0;
    return inTransaction(this.pool, async (tx) => {
      await held.require(tx);
      const { rowCount } = await tx.query(
        `UPDATE dead_letters SET state = 'replayed', resolved_at = now(), resolved_by = 'reconciliation',
                                 resolution = 'its order was found with its buyer and is stored'
         WHERE ${ABOUT_DELETED_ENTRIES}`,
        [this.lane.number],
      );
      return rowCount ?? 0;
    });
  }

  /** Redis' version first, then the stream, then Postgres: a decision moves from one to the next, so none is overlooked. */
  private async count(redis: LaneInRedis): Promise<Count> {
    const { unread, pending } = await this.lane.stream.backlog();
    const { recorded, waiting, underWay } = await this.readRecord();
    const after = await this.lane.gate.read(this.lane.number);
    const missing = ordinalOf(redis.version) - recorded - waiting - underWay - unread - pending;
    return { missing, isExact: after.version === redis.version && unread + pending + underWay === 0 };
  }

  private async readRecord(): Promise<OnRecord> {
    const { rows } = await this.pool.query<OnRecord>(
      `SELECT epoch, recorded, ${WAITING_DECISIONS} AS waiting,
              (SELECT count(*) FROM orders o WHERE o.lane = l.lane AND o.released_version IS NULL
                                             AND o.status IN ('expired', 'cancelled', 'rejected'))
                + (SELECT count(*) FROM stock_adjustments a WHERE a.lane = l.lane AND a.state = 'pending') AS "underWay",
              (SELECT count(*) FROM dead_letters WHERE ${ABOUT_DELETED_ENTRIES}) AS "deletedEntries"
       FROM lanes l WHERE lane = $1`,
      [this.lane.number],
    );
    if (!rows[0]) throw new Error(`Postgres has no lane ${this.lane.number}`);
    return rows[0];
  }
}
