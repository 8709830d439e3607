import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { count, instant } from '../platform/http/shapes.js';
import { bePatient } from '../platform/postgres/patience.js';
import { inSnapshot } from '../platform/postgres/transaction.js';
import type { OrderStreams } from '../order-stream/order-streams.js';
import { isOpen, type LaneGate, type LaneInRedis } from '../stock/lane-gate.js';
import { judgeLane } from '../stock/lane-verdict.js';
import type { SaleCounters, Stock } from '../stock/stock.js';
import { compareBooks, type Difference, differenceShape, isQuiescent, type LaneBooks } from './compare-books.js';
import { compareMoney } from './compare-money.js';
import { compareOrders } from './compare-orders.js';
import {
  countOpenDeadLetters,
  type LaneOnRecord,
  type LastRebuild,
  lastRebuildShape,
  selectLastRebuild,
  selectSaleOnRecord,
} from './sale-on-record.js';

const AN_AUDIT = {
  consistent: true,
  quiescent: true,
  checkedAt: '2026-11-27T08:20:00.000Z',
  redis: { total: 100, available: 37, held: 63 },
  postgres: { total: 100, pendingPayment: 3, paid: 60, toGiveBack: 0, givenBack: 12 },
  lanes: [
    {
      lane: 0,
      state: 'open',
      epoch: 1,
      version: 1_000_000_000_087,
      recorded: 87,
      unread: 0,
      pending: 0,
      lastRebuild: null,
    },
  ],
  deadLettersOpen: 0,
  differences: [],
};

const auditedLane = z.object({
  lane: count,
  state: z.enum(['open', 'closed']),
  epoch: count,
  version: count,
  recorded: count.meta({ description: 'Decisions of the epoch that Postgres has recorded' }),
  unread: count.meta({ description: 'Entries of the whole lane that nobody has read' }),
  pending: count.meta({ description: 'Entries of the whole lane that were read and not acknowledged' }),
  lastRebuild: lastRebuildShape.nullable().meta({ description: 'Null when it was never rebuilt' }),
});

/** The books of a sale. */
export const auditShape = z
  .object({
    consistent: z.boolean().meta({ description: 'Nothing is wrong, as far as can be said while orders are in flight' }),
    quiescent: z.boolean().meta({ description: 'Nothing was in flight or decided meanwhile: every figure is exact' }),
    checkedAt: instant,
    redis: z.object({ total: count, available: z.int(), held: count }).meta({ description: 'Units' }),
    postgres: z
      .object({ total: count, pendingPayment: count, paid: count, toGiveBack: count, givenBack: count })
      .meta({ description: 'Units' }),
    lanes: z.array(auditedLane),
    deadLettersOpen: count.meta({ description: 'Dead letters of this sale' }),
    differences: z.array(differenceShape),
  })
  .meta({ id: 'Audit', examples: [AN_AUDIT] });
export type Audit = z.infer<typeof auditShape>;

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
