import { randomInt } from 'node:crypto';
import type { Redis } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import { type Leaving, moveOrders } from '../../src/ledger/move-orders.js';
import { createPool } from '../../src/platform/postgres/pool.js';
import { inTransaction } from '../../src/platform/postgres/transaction.js';
import { connectBlockingRedis, connectRedis } from '../../src/platform/redis/connect.js';
import type { ReserveRequest } from '../../src/stock/decision.js';
import { laneKeys, saleKeys } from '../../src/stock/stock-keys.js';
import { LaneParts } from './lane-parts.js';

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
export class Corner extends LaneParts {
  readonly keys = laneKeys(this.lane);
  readonly blockingRedis: Redis;

  constructor(
    databaseUrl = process.env.TEST_DATABASE_URL ?? '',
    readonly redisUrl = process.env.TEST_REDIS_URL ?? '',
  ) {
    const pool = { url: databaseUrl, applicationName: 'test', connectionsMax: 6, statementTimeoutMs: 5_000 };
    const redis = connectRedis(redisUrl, { name: 'test', onError: ignore });
    super(randomInt(1, 32_000), redis, createPool(pool, ignore));
    this.blockingRedis = connectBlockingRedis(redisUrl, { name: 'test-blocking', onError: ignore });
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
    return stock.reserve(this.lane, saleId, { requests });
  }

  /** As expiry does it: its units are free in Postgres, and owed to Redis. */
  async expire(saleId: string, orderId: string): Promise<void> {
    await this.move(saleId, orderId, 'expired');
  }

  /** False when the order has left `pending_payment` before. */
  async move(saleId: string, orderId: string, to: Leaving['to']): Promise<boolean> {
    const moved = await inTransaction(this.pool, (tx) =>
      moveOrders(tx, [{ saleId, orderId }], { from: 'pending_payment', to }),
    );
    return moved.length === 1;
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
