import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { LaneGate, LaneInRedis } from '../stock/lane-gate.js';
import { judgeLane, type LaneInPostgres, type LaneVerdict } from '../stock/lane-verdict.js';
import type { Stock } from '../stock/stock.js';
import { readFence, readLoadedSales, settleOn, startEmptyEpoch, takeOverRunId, takeToken } from './lane-fence.js';

/**
 * Watches one lane, and decides whether its Redis may decide (docs/PROTOCOL.md).
 *
 * Promises:  a lane is opened only when nothing was ever on sale in it, or when its Redis has all that Postgres has
 *            recorded and nothing is known to be lost.
 * Promises:  two guards at once, or one that was paused, do no harm: each step is fenced by a token that only rises.
 * Does not:  rebuild. A lane whose Redis has lost something stays closed, and the log, the metrics and the audit say why.
 */
export class LaneGuard {
  #reported = '';

  constructor(
    private readonly lane: number,
    private readonly gate: LaneGate,
    private readonly stock: Stock,
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  /** One look. @returns how many times it changed the lane: 0 or 1. */
  async runOnce(): Promise<number> {
    const redis = await this.gate.read(this.lane);
    const postgres = await readFence(this.pool, this.lane);
    const verdict = judgeLane(redis, postgres);
    const changed = await this.act(verdict, redis, postgres);
    this.report(verdict);
    return changed ? 1 : 0;
  }

  private async act(verdict: LaneVerdict, redis: LaneInRedis, postgres: LaneInPostgres): Promise<boolean> {
    switch (verdict.is) {
      case 'open':
        return this.closeIfSalesAreMissing();
      case 'new':
        return this.openFirst(postgres);
      case 'restarted':
        return this.rearm(redis, postgres);
      case 'lost':
        return redis.state === 'open' ? this.closeIfStillLost() : false;
    }
  }

  /** Postgres goes first: Redis is touched only by a guard that has found the lane as it was judged. */
  private async openFirst(judged: LaneInPostgres): Promise<boolean> {
    const started = await inTransaction(this.pool, (tx) => startEmptyEpoch(tx, this.lane, judged));
    if (!started) return false;
    const { epoch, token } = started;
    const runId = await this.gate.close(this.lane, token, 'being opened for the first time');
    if (runId === undefined) return false;
    if (!(await this.gate.open(this.lane, token, { epoch, runId }))) return false;
    return settleOn(this.pool, this.lane, { runId, token });
  }

  private async rearm(redis: LaneInRedis, judged: LaneInPostgres): Promise<boolean> {
    const token = await takeOverRunId(this.pool, this.lane, { redis, judged });
    if (token === undefined) return false;
    return this.gate.arm(this.lane, token, { ...redis, runId: redis.serverRunId });
  }

  /** Judged again under a new token: another guard may have opened the lane between our two reads. */
  private async closeIfStillLost(): Promise<boolean> {
    const token = await takeToken(this.pool, this.lane);
    const redis = await this.gate.read(this.lane);
    const verdict = judgeLane(redis, await readFence(this.pool, this.lane));
    if (verdict.is !== 'lost') return false;
    return (await this.gate.close(this.lane, token, verdict.because)) !== undefined;
  }

  private async closeIfSalesAreMissing(): Promise<boolean> {
    const loaded = await readLoadedSales(this.pool, this.lane);
    const missing = loaded.length - (await this.stock.countPresent(this.lane, loaded));
    if (missing === 0) return false;
    const token = await takeToken(this.pool, this.lane);
    return (await this.gate.close(this.lane, token, `Redis has lost ${missing} sales of this lane`)) !== undefined;
  }

  private report(verdict: LaneVerdict): void {
    const now = verdict.is === 'lost' ? verdict.because : verdict.is;
    if (now === this.#reported) return;
    this.#reported = now;
    if (verdict.is === 'lost') this.logger.error({ lane: this.lane, because: verdict.because }, 'lane closed');
    else this.logger.info({ lane: this.lane, verdict: verdict.is }, 'lane judged');
  }
}
