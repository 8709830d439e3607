import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import { GiveBack } from '../../src/compensation/give-back.js';
import { GuardMetrics } from '../../src/guard/guard-metrics.js';
import { LaneDrain } from '../../src/guard/lane-drain.js';
import { LaneGuard, leaseOf } from '../../src/guard/lane-guard.js';
import { LaneRebuild } from '../../src/guard/lane-rebuild.js';
import { LaneSnapshot } from '../../src/guard/lane-snapshot.js';
import { CatchUp } from '../../src/ledger/catch-up.js';
import { LaneLedger } from '../../src/ledger/lane-ledger.js';
import { LedgerMetrics } from '../../src/ledger/ledger-metrics.js';
import { OrderChanges } from '../../src/orders/order-changes.js';
import { OrderStream } from '../../src/order-stream/order-stream.js';
import { OrderStreams } from '../../src/order-stream/order-streams.js';
import { LanePersistence, type LanePersistenceOptions } from '../../src/persistence/lane-persistence.js';
import type { Held } from '../../src/platform/lock/held.js';
import { Leases } from '../../src/platform/lock/lease.js';
import { type Audit, SaleAudit } from '../../src/reconciliation/sale-audit.js';
import { SaleLoader } from '../../src/sales/sale-loader.js';
import { LaneGate } from '../../src/stock/lane-gate.js';
import { LaneWriter } from '../../src/stock/lane-writer.js';
import { Stock } from '../../src/stock/stock.js';
import { eventually } from './eventually.js';

export const silent = pino({ level: 'silent' });

/** So long that a test is over before, unless it takes the lease away. */
const LEASE_MS = 10_000;
const OVERTAKEN_WITHIN_MS = 5_000;

/** Everything that works on one lane, put together as the application does it; each part is a seam for a test. */
export class LaneParts {
  readonly gate: LaneGate;
  readonly stock: Stock;
  readonly stream: OrderStream;
  readonly ledger: LaneLedger;
  readonly catchUp: CatchUp;
  readonly drain: LaneDrain;
  readonly snapshot: LaneSnapshot;
  readonly giveBack: GiveBack;
  readonly loader: SaleLoader;

  constructor(
    readonly lane: number,
    readonly redis: Redis,
    readonly pool: Pool,
  ) {
    this.gate = new LaneGate(redis);
    this.stock = new Stock(redis);
    this.stream = new OrderStream(lane, redis);
    const metrics = new LedgerMetrics(new Registry());
    this.ledger = new LaneLedger(lane, this.stream, pool, new OrderChanges(redis), metrics, silent);
    this.catchUp = new CatchUp(lane, this.stock, this.ledger, pool);
    this.drain = new LaneDrain(this.stream, this.ledger, this.catchUp, this.stock, pool);
    this.snapshot = new LaneSnapshot(pool, new LaneWriter(redis), silent);
    this.giveBack = new GiveBack(lane, this.stock, this.stream, pool, silent);
    this.loader = new SaleLoader(pool, this.stock, silent);
  }

  get audits(): SaleAudit {
    const streams = new OrderStreams([[this.lane, this.stream]]);
    return new SaleAudit(this.pool, this.stock, this.gate, streams, { refundOverdueAfterSeconds: () => 3_600 });
  }

  /** Of a process of its own: it holds no lease together with another. */
  guard(logger = silent): LaneGuard {
    const { lane, gate, stock, stream, pool, drain, snapshot } = this;
    const metrics = new GuardMetrics(new Registry(), [lane]);
    const rebuild = new LaneRebuild(lane, gate, pool, { drain, snapshot }, metrics, logger);
    const leases = new Leases(pool, uuidv7(), { ttlMs: LEASE_MS });
    return new LaneGuard({ lane, gate, stock, stream }, rebuild, leases, pool, logger);
  }

  /** A guard looks that finds the lease of another run out, as it does when that one was paused for long. */
  async overtake(): Promise<void> {
    const look = async () => {
      await this.pool.query('UPDATE leases SET expires_at = now() WHERE name = $1', [leaseOf(this.lane)]);
      return (await this.guard().runOnce()) === 1;
    };
    await eventually(look, { withinMs: OVERTAKEN_WITHIN_MS });
  }

  /** Does work that needs a lease, as a process of its own. */
  async underLease<T>(name: string, work: (held: Held) => Promise<T>): Promise<T> {
    const done = await new Leases(this.pool, uuidv7(), { ttlMs: LEASE_MS }).hold(name, work);
    if (done === undefined) throw new Error(`somebody else holds '${name}'`);
    return done;
  }

  worker(consumer = `worker-${uuidv7()}`, options: Partial<LanePersistenceOptions> = {}): LanePersistence {
    const all = { consumer, batchMax: () => 1_000, staleAfterMs: 60_000, ...options };
    return new LanePersistence(all, this.stream, this.ledger);
  }

  async audit(saleId: string): Promise<Audit> {
    const audit = await this.audits.audit(saleId);
    if (!audit) throw new Error('there is no such sale');
    return audit;
  }
}
