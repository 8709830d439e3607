import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { failpoint } from '../platform/failpoint.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { WAITING_DECISIONS } from '../ledger/waiting-decisions.js';
import type { LaneGate, LaneInRedis } from '../stock/lane-gate.js';
import { type ClosedLane, NotOurs } from '../stock/lane-writer.js';
import { epochOf, ordinalOf } from '../stock/version.js';
import { beginEpoch, type BegunEpoch } from './begin-epoch.js';
import type { GuardMetrics } from './guard-metrics.js';
import type { LaneDrain } from './lane-drain.js';
import { raiseToken, takeOverClosed } from './lane-fence.js';
import type { LaneSnapshot } from './lane-snapshot.js';

/** What a rebuild has closed, and why. */
interface Closed extends ClosedLane {
  because: string;
  beganAt: Date;
  /** As Redis has it, closed. */
  redis: LaneInRedis;
}

/**
 * Makes a lane anew from Postgres, in six steps (docs/PROTOCOL.md): close it in Redis; fence off every other Redis; bring on
 * record what Redis still knows; begin a new epoch; write the lane from one snapshot; open it.
 *
 * Promises:  a crash, a restart or FLUSHALL anywhere leaves the lane closed, and the next rebuild begins again at the first
 *            step. Doing it twice is as good as once.
 * Promises:  a rebuild that was paused changes nothing any more once another has begun: every write is fenced by the token,
 *            every write to Redis also by the run id.
 * Does not:  bring back what neither store knows. It counts it (`rebuilds.lost`), as far as a process that was told of it has
 *            asked the lane again before the epoch began.
 */
export class LaneRebuild {
  constructor(
    private readonly lane: number,
    private readonly gate: LaneGate,
    private readonly pool: Pool,
    private readonly steps: { drain: LaneDrain; snapshot: LaneSnapshot },
    private readonly metrics: GuardMetrics,
    private readonly logger: Logger,
  ) {}

  /**
   * @param goOn called between any two pages; throws to stop.
   * @throws NotOurs when somebody came between: the lane is closed, and the next look begins anew.
   */
  async run(because: string, goOn: () => void): Promise<void> {
    try {
      await this.takeSteps(because, goOn);
    } finally {
      this.metrics.step(this.lane, 0);
    }
  }

  private async takeSteps(because: string, goOn: () => void): Promise<void> {
    const closed = await this.close(because);
    const epoch = await this.takeOver(closed);
    goOn();
    await this.drain(closed, epoch, goOn);
    goOn();
    const begun = await this.begin(closed);
    const orders = await this.steps.snapshot.write(closed, goOn);
    failpoint('rebuild-written');
    goOn();
    await this.open(closed, begun, orders);
  }

  private async close(because: string): Promise<Closed> {
    const beganAt = new Date();
    this.metrics.step(this.lane, 1);
    const { guardToken } = await this.gate.read(this.lane);
    const token = await raiseToken(this.pool, this.lane, guardToken);
    failpoint('rebuild-token-raised');
    const runId = await this.gate.close(this.lane, token, because);
    if (runId === undefined) throw new NotOurs(this.lane);
    const redis = await this.gate.read(this.lane);
    if (redis.serverRunId !== runId) throw new NotOurs(this.lane);
    failpoint('rebuild-closed');
    this.logger.warn({ lane: this.lane, because }, 'rebuild: lane closed');
    return { lane: this.lane, token, runId, because, beganAt, redis };
  }

  /** @returns the epoch in which it is drained. */
  private async takeOver(closed: Closed): Promise<number> {
    this.metrics.step(this.lane, 2);
    const epoch = await takeOverClosed(this.pool, this.lane, closed);
    if (epoch === undefined) throw new NotOurs(this.lane);
    failpoint('rebuild-taken-over');
    return epoch;
  }

  private async drain(closed: Closed, epoch: number, goOn: () => void): Promise<void> {
    this.metrics.step(this.lane, 3);
    const drained = await this.steps.drain.run(closed, { redis: closed.redis.epoch, postgres: epoch }, goOn);
    failpoint('rebuild-drained');
    this.logger.info({ lane: this.lane, ...drained }, 'rebuild: drained');
  }

  private async begin(closed: Closed): Promise<BegunEpoch> {
    this.metrics.step(this.lane, 4);
    const lost = await this.countLost();
    const begun = await inTransaction(this.pool, (tx) =>
      beginEpoch(tx, this.lane, { ...closed, redisEpoch: closed.redis.epoch, lost }),
    );
    if (!begun) throw new NotOurs(this.lane);
    failpoint('rebuild-epoch-begun');
    if (lost > 0) this.logger.error({ lane: this.lane, lost }, 'rebuild: decisions are gone that buyers were told of');
    this.logger.info({ lane: this.lane, ...begun }, 'rebuild: epoch begun');
    this.metrics.step(this.lane, 5);
    this.metrics.lost(this.lane, lost);
    return begun;
  }

  private async open(closed: Closed, { epoch, givenBack }: BegunEpoch, orders: number): Promise<void> {
    this.metrics.step(this.lane, 6);
    const { token, runId } = closed;
    if (!(await this.gate.open(this.lane, token, { epoch, runId, recorded: givenBack }))) throw new NotOurs(this.lane);
    failpoint('rebuild-opened');
    await this.pool.query('UPDATE rebuilds SET opened_at = now(), orders = $3 WHERE lane = $1 AND epoch = $2', [
      this.lane,
      epoch,
      orders,
    ]);
    this.metrics.rebuilt(this.lane);
    const ms = Date.now() - closed.beganAt.getTime();
    this.logger.warn({ lane: this.lane, epoch, orders, ms }, 'rebuild: lane opened');
  }

  /**
   * Decisions that Redis has made, or has noted that a process was told of, and that neither Postgres has recorded after all
   * was drained, nor an operator is asked about. An adjustment that is under way is finished after the rebuild.
   */
  private async countLost(): Promise<number> {
    const redis = await this.gate.read(this.lane);
    const { rows } = await this.pool.query<{ epoch: number; accounted: number }>(
      `SELECT epoch, recorded + ${WAITING_DECISIONS}
                + (SELECT count(*) FROM stock_adjustments a WHERE a.lane = l.lane AND a.state = 'pending') AS accounted
       FROM lanes l WHERE lane = $1`,
      [this.lane],
    );
    const known = Math.max(redis.version, redis.lost ?? 0);
    const { epoch, accounted } = rows[0] ?? { epoch: 0, accounted: 0 };
    return epochOf(known) === epoch ? Math.max(0, ordinalOf(known) - accounted) : 0;
  }
}
