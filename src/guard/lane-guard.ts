import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Leases } from '../platform/lock/lease.js';
import type { OrderStream } from '../order-stream/order-stream.js';
import type { LaneGate, LaneInRedis } from '../stock/lane-gate.js';
import { judgeLane, type LaneInPostgres, type LaneVerdict } from '../stock/lane-verdict.js';
import type { Stock } from '../stock/stock.js';
import { readFence, readLoadedSales, readSales, takeOverRunId } from './lane-fence.js';
import type { LaneRebuild } from './lane-rebuild.js';

export interface GuardedLane {
  lane: number;
  gate: LaneGate;
  stock: Stock;
  stream: OrderStream;
}

/**
 * Watches one lane, and decides whether its Redis may decide (docs/PROTOCOL.md). Heals the lane by itself.
 *
 * Promises:  a lane is armed again only when its Redis has all that Postgres has recorded and nothing is known to be lost;
 *            in every other case it is closed and rebuilt from Postgres.
 * Promises:  two guards at once, or one that was paused, do no harm: each step is fenced by a token that only rises. The lease
 *            only keeps two of them from doing the same work.
 * Does not:  rebuild the Redis of another Postgres: one that has gone further than ours and knows none of our sales. That
 *            needs a human who asks for it.
 */
export class LaneGuard {
  #reported = '';

  constructor(
    private readonly guarded: GuardedLane,
    private readonly rebuild: LaneRebuild,
    private readonly leases: Leases,
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  /**
   * One look. @returns how many times it armed or rebuilt the lane: 0 or 1.
   *
   * @param stopping ends a rebuild between two of its pages: the lane stays closed, and the next guard begins anew.
   */
  async runOnce(stopping?: AbortSignal): Promise<number> {
    const { redis, postgres, verdict } = await this.judge();
    this.report(verdict);
    switch (verdict.is) {
      case 'open':
        await this.tend(redis, postgres);
        return 0;
      case 'restarted':
        return Number(await this.rearm(redis, postgres));
      case 'new':
      case 'lost':
        return Number(await this.rebuildUnderLease(stopping));
      case 'foreign':
        return 0;
    }
  }

  /** Redis first: see `judgeLane`. */
  private async judge(): Promise<{ redis: LaneInRedis; postgres: LaneInPostgres; verdict: LaneVerdict }> {
    const { lane, gate, stock } = this.guarded;
    const redis = await gate.read(lane);
    const postgres = await readFence(this.pool, lane);
    const verdict = judgeLane(redis, postgres);
    if (verdict.is === 'lost' && verdict.isAhead) {
      const isOurs = (await stock.countPresent(lane, await readSales(this.pool, lane))) > 0;
      return { redis, postgres, verdict: isOurs ? verdict : { is: 'foreign', because: verdict.because } };
    }
    if (verdict.is !== 'open') return { redis, postgres, verdict };
    const loaded = await readLoadedSales(this.pool, lane);
    const missing = loaded.length - (await stock.countPresent(lane, loaded));
    if (missing === 0) return { redis, postgres, verdict };
    const because = `Redis has lost ${missing} sales of this lane`;
    return { redis, postgres, verdict: { is: 'lost', because, isAhead: false } };
  }

  /** Acknowledgements can be lost; then Redis does not know how far Postgres has come. */
  private async tend(redis: LaneInRedis, postgres: LaneInPostgres): Promise<void> {
    if (redis.recorded < postgres.recorded) await this.guarded.stream.acknowledge([], postgres);
  }

  private async rearm(redis: LaneInRedis, judged: LaneInPostgres): Promise<boolean> {
    const { lane, gate } = this.guarded;
    const token = await takeOverRunId(this.pool, lane, { redis, judged });
    if (token === undefined) return false;
    return gate.arm(lane, token, { ...redis, runId: redis.serverRunId });
  }

  private async rebuildUnderLease(stopping: AbortSignal | undefined): Promise<boolean> {
    const rebuilt = await this.leases.hold(leaseOf(this.guarded.lane), async ({ signal }) => {
      // Judged again: another guard may have healed the lane before the lease was ours.
      const { verdict } = await this.judge();
      if (verdict.is !== 'new' && verdict.is !== 'lost') return false;
      const because = verdict.is === 'new' ? 'nothing was ever sold in it' : verdict.because;
      await this.rebuild.run(because, () => {
        signal.throwIfAborted();
        stopping?.throwIfAborted();
      });
      return true;
    });
    return rebuilt ?? false;
  }

  private report(verdict: LaneVerdict): void {
    const now = 'because' in verdict ? verdict.because : verdict.is;
    if (now === this.#reported) return;
    this.#reported = now;
    const { lane } = this.guarded;
    if ('because' in verdict) this.logger.error({ lane, because: verdict.because }, `lane judged: ${verdict.is}`);
    else this.logger.info({ lane, verdict: verdict.is }, 'lane judged');
  }
}

/** While it is held, the lane is being rebuilt. */
export const leaseOf = (lane: number): string => `rebuild of lane ${lane}`;
