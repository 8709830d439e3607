import { randomInt } from 'node:crypto';
import type { Redis } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import { type AcceptedOrder, decodeOrder } from '../../src/order-stream/accepted-order.js';
import { type BuyerRecord, parseBuyerRecord } from '../../src/stock/buyer-record.js';
import { LaneGate } from '../../src/stock/lane-gate.js';
import { Stock } from '../../src/stock/stock.js';
import { laneKeys, saleKeys } from '../../src/stock/stock-keys.js';
import { type Lane, type Order, type Sale, unitsAvailable, unitsHeld } from '../protocol/lane.js';

/** All that is to be seen of a lane with one sale. A model and a real lane that agree have equal pictures. */
export interface Picture {
  lane: Pick<Lane, 'state' | 'epoch' | 'version' | 'recorded' | 'runId' | 'ends' | 'lost' | 'guardToken'>;
  sale: (Sale['configuration'] & { total: number; available: number }) | undefined;
  buyers: Record<string, BuyerRecord>;
  stream: AcceptedOrder[];
}

/** One lane with one sale on the real Redis, private to one run of a property. No row in Postgres knows it. */
export class RealLane {
  readonly number = randomInt(100_000, 2 ** 40);
  readonly saleId = uuidv7();
  readonly state = laneKeys(this.number).state;
  readonly orders = laneKeys(this.number).orders;
  readonly sale = saleKeys(this.number, this.saleId).sale;
  readonly buyers = saleKeys(this.number, this.saleId).buyers;
  readonly gate: LaneGate;
  readonly stock: Stock;
  #onDisk: (Buffer | null)[] = [];

  /** @param watcher another connection: Redis tells it whether anybody wrote. */
  constructor(
    readonly redis: Redis,
    private readonly watcher: Redis,
  ) {
    this.gate = new LaneGate(redis);
    this.stock = new Stock(redis);
  }

  get keys(): string[] {
    return [this.state, this.sale, this.buyers, this.orders];
  }

  /** Whether an action writes to any key of the lane, be it what was there before. */
  async isWrittenBy(action: () => Promise<unknown>): Promise<boolean> {
    await this.watcher.watch(this.keys);
    try {
      await action();
    } catch (error) {
      await this.watcher.unwatch();
      throw error;
    }
    return (await this.watcher.multi().ping().exec()) === null;
  }

  /** @param nameOf what the model calls a run id. */
  async picture(nameOf: (runId: string) => string): Promise<Picture> {
    const { redis } = this;
    const replies = await redis
      .multi()
      .hgetall(this.state)
      .hgetall(this.sale)
      .hgetall(this.buyers)
      .xrange(this.orders, '-', '+')
      .exec();
    const [state, sale, buyers, entries] = (replies ?? []).map(([, reply]) => reply) as [Hash, Hash, Hash, RawEntry[]];
    return {
      lane: toLane(state, nameOf),
      sale: 'total' in sale ? toSale(sale) : undefined,
      buyers: Object.fromEntries(Object.entries(buyers).map(([buyer, record]) => [buyer, parseBuyerRecord(record)])),
      stream: entries.map(([, fields]) => toOrder(fields)),
    };
  }

  async reachTheDisk(): Promise<void> {
    this.#onDisk = await Promise.all(this.keys.map((key) => this.redis.dumpBuffer(key)));
  }

  async loseTheTail(): Promise<void> {
    const restoring = this.redis.multi().del(this.keys);
    this.#onDisk.forEach((dump, index) => dump && restoring.restore(this.keys[index] as string, 0, dump));
    await restoring.exec();
  }

  /** As if the lane had been verified on a Redis with this run id. */
  async setRunId(runId: string): Promise<void> {
    await this.redis.hset(this.state, 'runId', runId);
  }

  async empty(): Promise<void> {
    await this.redis.del(this.keys);
  }
}

/** What a model says should be seen. */
export function pictureOf({ sale, stream, serverRunId, ...lane }: Lane, saleId: string): Picture {
  const orders = sale?.orders ?? [];
  const buyers = [...new Set(orders.map(({ buyer }) => buyer))];
  return {
    lane,
    sale: sale && { ...sale.configuration, total: sale.total, available: unitsAvailable(sale) },
    buyers: Object.fromEntries(
      buyers.map((name) => [name, buyerRecordOf(orders.filter(({ buyer }) => buyer === name))]),
    ),
    stream: stream.map(({ order }) => ({ ...order, saleId })),
  };
}

/** Whatever the model says, the numbers in Redis must agree with one another. */
export function expectConserved({ sale, buyers }: Picture): void {
  const records = Object.values(buyers);
  for (const { held, orders } of records) {
    const unreleased = orders.filter(({ releasedVersion }) => releasedVersion === undefined);
    expect(held).toBe(unreleased.reduce((units, { quantity }) => units + quantity, 0));
  }
  const held = records.reduce((units, record) => units + record.held, 0);
  if (sale) expect(sale.available + held).toBe(sale.total);
  if (sale) expect(sale.available).toBeGreaterThanOrEqual(0);
}

const buyerRecordOf = (orders: readonly Order[]): BuyerRecord => ({
  held: unitsHeld(orders),
  orders: orders.map(({ buyer: _, ...order }) => order),
});

type Hash = Record<string, string>;
type RawEntry = [id: string, fields: string[]];

const optionalNumber = (text: string | undefined) => (text === undefined ? undefined : Number(text));

function toLane(hash: Hash, nameOf: (runId: string) => string): Picture['lane'] {
  const ends = Object.entries(hash).filter(([field]) => field.startsWith('end:'));
  return {
    state: (hash.state ?? 'missing') as Lane['state'],
    epoch: optionalNumber(hash.epoch),
    version: optionalNumber(hash.version),
    recorded: optionalNumber(hash.recorded),
    runId: hash.runId === undefined ? undefined : nameOf(hash.runId),
    ends: Object.fromEntries(ends.map(([field, version]) => [nameOf(field.slice('end:'.length)), Number(version)])),
    lost: optionalNumber(hash.lost),
    guardToken: Number(hash.guardToken ?? 0),
  };
}

const toSale = (hash: Hash): Picture['sale'] => ({
  total: Number(hash.total),
  available: Number(hash.available),
  version: Number(hash.configVersion),
  paused: hash.paused === '1',
  ended: hash.ended === '1',
  startsAtMs: Number(hash.startsAtMs),
  endsAtMs: Number(hash.endsAtMs),
  perUserLimit: Number(hash.perUserLimit),
});

function toOrder(fields: string[]): AcceptedOrder {
  const decoded = decodeOrder(fields);
  if ('order' in decoded) return decoded.order;
  throw new Error(`An accepted order cannot be read from the stream: ${decoded.unreadableBecause}`);
}
