import { randomInt } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import { LaneGuard } from '../../src/guard/lane-guard.js';
import { LaneLedger } from '../../src/ledger/lane-ledger.js';
import { LedgerMetrics } from '../../src/ledger/ledger-metrics.js';
import { OrderStream } from '../../src/order-stream/order-stream.js';
import { LanePersistence, type LanePersistenceOptions } from '../../src/persistence/lane-persistence.js';
import { createPool } from '../../src/platform/postgres/pool.js';
import { connectBlockingRedis, connectRedis } from '../../src/platform/redis/connect.js';
import { SaleLoader } from '../../src/sales/sale-loader.js';
import { LaneGate } from '../../src/stock/lane-gate.js';
import type { ReserveRequest } from '../../src/stock/decision.js';
import { Stock } from '../../src/stock/stock.js';
import { laneKeys, saleKeys } from '../../src/stock/stock-keys.js';

const silent = pino({ level: 'silent' });
const ignore = () => undefined;
const HOUR_MS = 3_600_000;

export interface SaleWishes {
  stock?: number;
  perUserLimit?: number;
  startsInMs?: number;
  endsInMs?: number;
}

/**
 * A lane that belongs to one test alone, on the real servers: its keys, its rows, and whatever works on them.
 * `close()` gives the connections back.
 */
export class Corner {
  readonly lane = randomInt(1, 32_000);
  readonly keys = laneKeys(this.lane);
  readonly pool: Pool;
  readonly redis: Redis;
  readonly blockingRedis: Redis;
  readonly gate: LaneGate;
  readonly stock: Stock;
  readonly stream: OrderStream;
  readonly ledger: LaneLedger;
  readonly loader: SaleLoader;

  constructor(
    databaseUrl = process.env.TEST_DATABASE_URL ?? '',
    readonly redisUrl = process.env.TEST_REDIS_URL ?? '',
  ) {
    const pool = { url: databaseUrl, applicationName: 'test', connectionsMax: 6, statementTimeoutMs: 5_000 };
    this.pool = createPool(pool, ignore);
    this.redis = connectRedis(redisUrl, { name: 'test', onError: ignore });
    this.blockingRedis = connectBlockingRedis(redisUrl, { name: 'test-blocking', onError: ignore });
    this.gate = new LaneGate(this.redis);
    this.stock = new Stock(this.redis);
    this.stream = new OrderStream(this.lane, this.redis);
    this.ledger = new LaneLedger(this.lane, this.stream, this.pool, new LedgerMetrics(new Registry()), silent);
    this.loader = new SaleLoader(this.pool, this.stock, silent);
  }

  /** Connected, with the lane's row made and the lane opened by a guard. */
  static async open(...urls: [databaseUrl?: string, redisUrl?: string]): Promise<Corner> {
    for (;;) {
      const corner = new Corner(...urls);
      await corner.connected();
      if (await corner.claimLane()) {
        await corner.guard().runOnce();
        return corner;
      }
      await corner.close();
    }
  }

  /** False when another test has drawn the same lane: of a hundred tests two do so once in seven runs. */
  private async claimLane(): Promise<boolean> {
    const { rowCount } = await this.pool.query('INSERT INTO lanes (lane) VALUES ($1) ON CONFLICT DO NOTHING', [
      this.lane,
    ]);
    return rowCount === 1;
  }

  async connected(): Promise<void> {
    const connecting = [this.redis, this.blockingRedis].filter((redis) => redis.status !== 'ready');
    // Not events.once: it rejects at the first error, and a Redis that is starting has some.
    const ready = (redis: Redis) => new Promise<void>((resolve) => redis.once('ready', () => resolve()));
    await Promise.all(connecting.map(ready));
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    this.blockingRedis.disconnect();
    await this.pool.end();
  }

  guard(stock = this.stock): LaneGuard {
    return new LaneGuard(this.lane, this.gate, stock, this.pool, silent);
  }

  worker(consumer = `worker-${uuidv7()}`, options: Partial<LanePersistenceOptions> = {}): LanePersistence {
    const all = { consumer, batchMax: 1_000, staleAfterMs: 60_000, ...options };
    return new LanePersistence(all, this.stream, this.ledger);
  }

  /** A sale in this lane, on sale unless its window says otherwise. */
  async sale(wishes: SaleWishes = {}): Promise<string> {
    const saleId = await this.unloadedSale(wishes);
    await this.loader.push(saleId);
    return saleId;
  }

  async unloadedSale({ stock = 10, perUserLimit = 2, startsInMs = -1_000, endsInMs = HOUR_MS }: SaleWishes = {}) {
    const saleId = uuidv7();
    await this.pool.query(
      `INSERT INTO sales (sale_id, starts_at, ends_at, price_minor, per_user_limit, max_per_order,
                          payment_window_seconds, currency, name, sku)
       VALUES ($1, now() + make_interval(secs => $2 / 1000.0), now() + make_interval(secs => $3 / 1000.0),
               1999, $4, $4, 900, 'USD', 'Mug', 'MUG-1')`,
      [saleId, startsInMs, endsInMs, perUserLimit],
    );
    await this.pool.query('INSERT INTO sale_lanes (sale_id, lane, total) VALUES ($1, $2, $3)', [
      saleId,
      this.lane,
      stock,
    ]);
    return saleId;
  }

  /** Orders of one unit by as many buyers, in one call. */
  reserve(saleId: string, buyers: number, stock = this.stock) {
    const requests = Array.from({ length: buyers }, () => aRequest());
    return stock.reserve(this.lane, saleId, requests);
  }

  async rows(saleId: string): Promise<OrderRow[]> {
    const { rows } = await this.pool.query<OrderRow>(
      `SELECT order_id AS "orderId", buyer_id AS buyer, quantity, version, status FROM orders
       WHERE sale_id = $1 ORDER BY version`,
      [saleId],
    );
    return rows;
  }

  async fence(): Promise<{ epoch: number; recorded: number; maxVersion: number; runId: string }> {
    const { rows } = await this.pool.query<{ epoch: number; recorded: number; maxVersion: number; runId: string }>(
      'SELECT epoch, recorded, max_version AS "maxVersion", run_id AS "runId" FROM lanes WHERE lane = $1',
      [this.lane],
    );
    if (!rows[0]) throw new Error('the lane has no row');
    return rows[0];
  }

  async deadLetters(): Promise<{ reason: string; entryId: string; attempts: number }[]> {
    const { rows } = await this.pool.query<{ reason: string; entryId: string; attempts: number }>(
      'SELECT reason, entry_id AS "entryId", attempts FROM dead_letters WHERE lane = $1 ORDER BY entry_id',
      [this.lane],
    );
    return rows;
  }

  saleKeys(saleId: string) {
    return saleKeys(this.lane, saleId);
  }
}

export interface OrderRow {
  orderId: string;
  buyer: string;
  quantity: number;
  version: number;
  status: string;
}

export const aRequest = (wishes: Partial<ReserveRequest> = {}): ReserveRequest => ({
  orderId: uuidv7(),
  buyer: `buyer-${uuidv7()}`,
  idempotencyKey: `key-${uuidv7()}`,
  quantity: 1,
  ...wishes,
});
