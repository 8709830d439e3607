import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { NICENESS } from '../src/launcher/role-process.js';
import { eventually } from '../test/support/eventually.js';
import { JWT_SECRET, TestSystem } from '../test/support/system.js';
import { UNLIMITED } from './unlimited.js';
import type { FloodOrder, FloodResult } from './flood.js';
import { type CpuUs, PERSISTENCE, startUsage } from './money-usage.js';

const CONNECTIONS = 128;
const FLOOD_MS_MAX = 120_000;
const STORED_WITHIN_MS = 120_000;
const PAID_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 250;

/**
 * As `npm start` divides them. Only reconciliation is left out: its audits would fall on some rounds and not on others.
 */
const PERSISTENCE_STATIONS = 'sales,persistence,compensation,guard';
const MONEY_STATIONS = 'outbox,payment,rewards,expiry';

const PAYS_AT_ONCE = '{"pays":{"probability":1,"delayMs":[0,0]}}';

export interface Measured {
  perSecond: number;
  ms: number;
  us: CpuUs;
}

/**
 * The whole system with its two workers, each of which can be told to rest. Who rests is paused, not ended, so that what is
 * measured is a process that has warmed up.
 */
export class Shop {
  #sold = 0;

  private constructor(
    readonly system: TestSystem,
    private readonly pool: pg.Pool,
  ) {}

  static async open(gatewayCallsMax: number): Promise<Shop> {
    const system = await TestSystem.start(UNLIMITED);
    await system.stopRole('worker');
    const own = { DATABASE_URL: `${system.databaseUrl}?application_name=${PERSISTENCE}` };
    await system.startPart('simulator', { SIMULATOR_BEHAVIOUR: PAYS_AT_ONCE });
    await system.startPart('worker', own, ['--stations', PERSISTENCE_STATIONS]);
    const calls = { GATEWAY_CALLS_MAX: String(gatewayCallsMax) };
    await system.startPart('worker-2', calls, ['--stations', MONEY_STATIONS]);
    for (const [role, niceness] of [
      ['worker-2', NICENESS.money],
      ['simulator', NICENESS.simulator],
    ] as const) {
      setPriority(system.pidOf(role) ?? 0, niceness ?? 0);
    }
    return new Shop(system, new pg.Pool({ connectionString: system.databaseUrl, max: 2 }));
  }

  /** A sale of which everything is sold and nothing is stored yet. Money rests as well. */
  async sellOut(stock: number): Promise<string> {
    const saleId = await this.system.createSale({ stock });
    this.system.pauseRole('worker');
    this.system.pauseRole('worker-2');
    const { answers } = await flood({
      port: this.system.port,
      path: `/v1/sales/${saleId}/orders`,
      name: `buyer-${(this.#sold += 1)}`,
      requests: stock,
    });
    if (answers['202'] !== stock) throw new Error(`Other answers: ${JSON.stringify(answers)}`);
    return saleId;
  }

  /** Persistence stores a sale that has been sold out. The rate is that between its first batch and its last one. */
  async store(saleId: string, stock: number): Promise<Measured> {
    const used = await startUsage(this.system, this.pool);
    this.system.resumeRole('worker');
    await eventually(
      async () =>
        (await this.one<boolean>('SELECT sum(held) = $2 AS value FROM sale_lanes WHERE sale_id = $1', [
          saleId,
          stock,
        ])) === true,
      { withinMs: STORED_WITHIN_MS },
    );
    // The window begins when the statement does that stores the order.
    return { ...(await used()), perSecond: await this.rateOf('expires_at', saleId) };
  }

  startPaying(): void {
    this.system.resumeRole('worker-2');
  }

  /** So much that all stations of money are at work. */
  async untilSomeArePaid(saleId: string, count: number): Promise<void> {
    const some = `SELECT count(*) >= $2 AS value FROM (
                    SELECT FROM orders WHERE sale_id = $1 AND status = 'paid' LIMIT $2) AS paid`;
    await eventually(async () => (await this.one<boolean>(some, [saleId, count])) === true, {
      withinMs: PAID_WITHIN_MS,
    });
  }

  /** Whether somebody still has to pay. */
  async isOwed(saleId: string): Promise<boolean> {
    const owed = `SELECT EXISTS (SELECT FROM orders WHERE sale_id = $1 AND status = 'pending_payment') AS value`;
    return (await this.one<boolean>(owed, [saleId])) === true;
  }

  /** All that is stored is paid. The rate is that of this sale, between the first payment that was settled and the last. */
  async pay(saleId: string): Promise<Measured> {
    const used = await startUsage(this.system, this.pool);
    this.startPaying();
    await this.untilAllIsPaid();
    return { ...(await used()), perSecond: await this.rateOf('finished_at', saleId) };
  }

  /** And every point is granted: nobody is to be told of anything any more. */
  async untilAllIsPaid(): Promise<void> {
    const left = `SELECT EXISTS (SELECT FROM outbox_events) OR EXISTS (SELECT FROM webhook_events WHERE applied_at IS NULL)
                         OR EXISTS (SELECT FROM orders WHERE status = 'pending_payment') AS value`;
    const deadline = performance.now() + PAID_WITHIN_MS;
    while (await this.one<boolean>(left)) {
      if (performance.now() > deadline) throw new Error(`not all is paid within ${PAID_WITHIN_MS} ms`);
      await wait(LOOK_EVERY_MS);
    }
  }

  /** Nothing is in their hands then. */
  async restMoney(): Promise<void> {
    await wait(LOOK_EVERY_MS);
    this.system.pauseRole('worker-2');
  }

  async requireTrueBooks(saleId: string, stock: number): Promise<void> {
    const audit = await this.system.quiescentAudit(saleId);
    if (audit.consistent && audit.postgres.paid === stock) return;
    throw new Error(`The books differ: ${JSON.stringify(audit)}`);
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.system.close();
  }

  /** What is dated by the start of its transaction: all but the last batch came between the first start and the last. */
  private async rateOf(time: 'expires_at' | 'finished_at', saleId: string): Promise<number> {
    const rate = `
      SELECT (sum(orders) FILTER (WHERE at < latest)
               / nullif(extract(epoch FROM max(at) - min(at)), 0))::float8 AS value
      FROM (SELECT ${time} AS at, count(*) AS orders, max(${time}) OVER () AS latest FROM orders WHERE sale_id = $1 GROUP BY 1) AS batch`;
    return (await this.one<number>(rate, [saleId])) ?? NaN;
  }

  private async one<T>(text: string, values: unknown[] = []): Promise<T | null> {
    const { rows } = await this.pool.query<{ value: T | null }>(text, values);
    return rows[0]?.value ?? null;
  }
}

async function flood(order: Pick<FloodOrder, 'port' | 'path' | 'name' | 'requests'>): Promise<FloodResult> {
  const child = fork(new URL('./flood.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  child.send({ jwtSecret: JWT_SECRET, connections: CONNECTIONS, msMax: FLOOD_MS_MAX, ...order } satisfies FloodOrder);
  await once(child, 'message');
  child.send('go');
  const [result] = (await once(child, 'message')) as [FloodResult];
  return result;
}
