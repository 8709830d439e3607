import { eventually } from '../support/eventually.js';
import { HoldingProxy } from '../support/holding-proxy.js';
import { TestSystem } from '../support/system.js';
import { moreAccepted, pendingOf, type RunningRace } from './lane-under-fault.js';
import { COPIES } from './true-books.js';

/** Entries that a worker takes at once here: so few that a batch is soon full. */
export const BATCH_MAX = 12;
const TAKEN_WITHIN_MS = 20_000;
const WORKERS = ['worker', 'worker-2'] as const;

/** A system with two workers; the first of them reaches Postgres through a proxy. */
export class TwoWorkers {
  private constructor(
    readonly system: TestSystem,
    readonly proxy: HoldingProxy,
  ) {}

  static async start(): Promise<TwoWorkers> {
    const system = await TestSystem.start({
      PERSIST_CLAIM_AFTER_MS: '2000',
      STATEMENT_TIMEOUT_MS: '1000',
      PERSIST_BATCH_MAX: String(BATCH_MAX),
    });
    const proxy = await HoldingProxy.before(Number(new URL(system.databaseUrl).port));
    const two = new TwoWorkers(system, proxy);
    await system.stopRole('worker');
    await Promise.all([two.startFirst(), system.startPart('worker-2')]);
    return two;
  }

  startFirst(): Promise<void> {
    return this.system.startPart('worker', { DATABASE_URL: this.proxy.urlOf(this.system.databaseUrl) });
  }

  /**
   * Pauses the first one at the worst moment: it has taken a full batch, its
   * statement has left it, and has not arrived. The other one goes on.
   *
   * @returns the ids of the entries it holds.
   */
  async pauseWithBatch(race: RunningRace): Promise<string[]> {
    const { system, proxy } = this;
    for (;;) {
      for (const role of WORKERS) system.pauseRole(role);
      await moreAccepted(race, COPIES * (WORKERS.length + 1) * BATCH_MAX); // a full batch for each of them
      proxy.hold('store-orders');
      for (const role of WORKERS) system.resumeRole(role);
      await eventually(() => proxy.isHolding, { withinMs: TAKEN_WITHIN_MS });
      system.pauseRole('worker');
      const entryIds = await pendingOf(system, 'worker');
      if (entryIds.length >= BATCH_MAX) return entryIds;
      proxy.release(); // it had begun a smaller batch before it was paused
    }
  }

  async close(): Promise<void> {
    await this.system.close();
    await this.proxy.close();
  }
}
