import type { Pool, PoolClient } from 'pg';
import { bePatient } from '../platform/postgres/patience.js';
import { inSnapshot } from '../platform/postgres/transaction.js';
import type { OrderStreams } from '../order-stream/order-streams.js';
import { isOpen, type LaneGate, type LaneInRedis } from '../stock/lane-gate.js';
import { judgeLane } from '../stock/lane-verdict.js';
import type { SaleCounters, Stock } from '../stock/stock.js';
import { compareBooks, type Difference, isQuiescent, type LaneBooks } from './compare-books.js';
import { compareMoney } from './compare-money.js';
import { compareOrders } from './compare-orders.js';
import {
  countOpenDeadLetters,
  type LaneOnRecord,
  type LastRebuild,
  selectLastRebuild,
  selectSaleOnRecord,
} from './sale-on-record.js';

/** The books of a sale (contract: audit). Units, except where it says orders. */
export interface Audit {
  /** Nothing is wrong, as far as can be said while orders are in flight. */
  consistent: boolean;
  /** Nothing is in flight, and nothing was decided while this was read: every figure is exact. */
  quiescent: boolean;
  checkedAt: string;
  redis: { total: number; available: number; held: number };
  postgres: { total: number; pendingPayment: number; paid: number; toGiveBack: number; givenBack: number };
  lanes: AuditedLane[];
  /** Dead letters of this sale. */
  deadLettersOpen: number;
  differences: Difference[];
}

export interface AuditedLane {
  lane: number;
  state: 'open' | 'closed';
  epoch: number;
  version: number;
  /** Decisions of the epoch that Postgres has recorded. */
  recorded: number;
  /** Entries of the whole lane. */
  unread: number;
  pending: number;
  /** Null when it was never rebuilt. */
  lastRebuild: LastRebuild | null;
}

/**
 * Compares what Redis, Postgres and the gateway say of one sale. Reads only.
 *
 * Promises:  a difference it reports is one: what may still be in flight is compared only when nothing is.
 * Promises:  flat memory: buyers are read and looked up page by page.
 * Does not:  ask the gateway itself: what it has charged is known from its webhooks, and from the last walk over its charges.
 * Does not:  lock anything, nor mend anything.
 */
export class SaleAudit {
  constructor(
    private readonly pool: Pool,
    private readonly stock: Stock,
    private readonly gate: LaneGate,
    private readonly streams: OrderStreams,
    private readonly options: { refundOverdueAfterSeconds: () => number },
  ) {}

  /** Undefined when there is no such sale. @param goOn called between any two pages; throws to stop. */
  async audit(saleId: string, goOn: () => void = () => undefined): Promise<Audit | undefined> {
    const { rows } = await this.pool.query<{ lane: number }>(
      'SELECT lane FROM sale_lanes WHERE sale_id = $1 ORDER BY lane',
      [saleId],
    );
    if (rows.length === 0) return undefined;
    // Redis, then Postgres, then Redis again: if Redis has not moved between, all that was read stood at one moment.
    const before = await Promise.all(rows.map(({ lane }) => this.gate.read(lane)));
    return inSnapshot(this.pool, async (tx) => {
      await bePatient(tx);
      const onRecord = await selectSaleOnRecord(tx, saleId);
      const books: LaneBooks[] = [];
      for (const [index, lane] of onRecord.entries()) {
        books.push(await this.readLane(tx, saleId, { onRecord: lane, before: before[index] as LaneInRedis, goOn }));
      }
      const rebuilds = await Promise.all(onRecord.map(({ lane }) => selectLastRebuild(tx, lane)));
      const money = await compareMoney(tx, saleId, this.options.refundOverdueAfterSeconds());
      return report(books, { rebuilds, money, deadLettersOpen: await countOpenDeadLetters(tx, saleId) });
    });
  }

  private async readLane(
    tx: PoolClient,
    saleId: string,
    { onRecord, before, goOn }: { onRecord: LaneOnRecord; before: LaneInRedis; goOn: () => void },
  ): Promise<LaneBooks> {
    const { lane, unreleasedOrders: unreleased } = onRecord;
    const counters = await this.stock.counters(lane, saleId);
    const orders = await compareOrders(tx, this.stock, { saleId, lane, unreleased, goOn });
    const stream = this.streams.get(lane);
    if (!stream) throw new Error(`sale ${saleId} is in lane ${lane}, which is not among STOCK_LANES`);
    const backlog = await stream.backlog();
    const redis = await this.gate.read(lane);
    const isStill = before.version === redis.version && before.recorded === redis.recorded;
    return { onRecord, redis, verdict: judgeLane(before, onRecord), counters, orders, backlog, isStill };
  }
}

interface BesideTheLanes {
  rebuilds: (LastRebuild | null)[];
  money: Difference[];
  deadLettersOpen: number;
}

function report(books: LaneBooks[], { rebuilds, money, deadLettersOpen }: BesideTheLanes): Audit {
  const differences = [...books.flatMap(compareBooks), ...money];
  const sum = (units: (lane: LaneBooks) => number) => books.reduce((total, lane) => total + units(lane), 0);
  const counted = (name: keyof SaleCounters) => sum(({ counters }) => counters?.[name] ?? 0);
  return {
    consistent: differences.length === 0,
    quiescent: books.every(isQuiescent),
    checkedAt: new Date().toISOString(),
    redis: { total: counted('total'), available: counted('available'), held: sum(({ orders }) => orders.held) },
    postgres: {
      total: sum(({ onRecord }) => onRecord.total),
      pendingPayment: sum(({ onRecord }) => onRecord.pendingPayment),
      paid: sum(({ onRecord }) => onRecord.paid),
      toGiveBack: sum(({ onRecord }) => onRecord.toGiveBack),
      givenBack: sum(({ onRecord }) => onRecord.givenBack),
    },
    lanes: books.map(({ onRecord, redis, backlog }, index) => ({
      lane: onRecord.lane,
      state: isOpen(redis) ? 'open' : 'closed',
      epoch: redis.epoch,
      version: redis.version,
      recorded: redis.recorded,
      ...backlog,
      lastRebuild: rebuilds[index] ?? null,
    })),
    deadLettersOpen,
    differences,
  };
}
