import type { Redis } from 'ioredis';
import { LuaScript } from '../platform/redis/lua-script.js';
import { type HeldOrder, parseBuyerRecord } from './buyer-record.js';
import { areFor, type Decision, type Reply, type ReserveCall, toDecision } from './decision.js';
import { isOpen, LaneGate } from './lane-gate.js';
import { type Buyer, scanBuyers } from './scan-buyers.js';
import { laneKeys, saleKeys } from './stock-keys.js';
import type { AdjustmentReply, Release, Releases, Removal } from './stock-replies.js';
import { VERSIONS_PER_EPOCH } from './version.js';

const reserveStock = new LuaScript(new URL('./reserve-stock.lua', import.meta.url));
const loadSale = new LuaScript(new URL('./load-sale.lua', import.meta.url));
const configureSale = new LuaScript(new URL('./configure-sale.lua', import.meta.url));
const releaseStock = new LuaScript(new URL('./release-stock.lua', import.meta.url));
const adjustStock = new LuaScript(new URL('./adjust-stock.lua', import.meta.url));
const removeSale = new LuaScript(new URL('./remove-sale.lua', import.meta.url));

/** What a lane knows of a sale's terms. `version` only rises. */
export interface SaleConfiguration {
  version: number;
  paused: boolean;
  ended: boolean;
  startsAtMs: number;
  endsAtMs: number;
  perUserLimit: number;
}

export interface SaleCounters {
  total: number;
  available: number;
}

type LaneReply = [runId: string, version: string];

/** What this process was last answered by a lane: with it, the lane notices that it has lost something. */
interface Seen {
  version: number;
  runId: string;
}

/** More than an epoch can have. */
const NO_LIMIT = VERSIONS_PER_EPOCH;

const NOTHING_SEEN: Seen = { version: 0, runId: '' };

/**
 * The counters of all sales: one method per script.
 *
 * Promises:  a decision and its stream entry are made together or not at all.
 * Promises:  no decision is made by a lane that has lost one which this process was told of.
 * Does not:  hide a lost reply. A method that throws anything but a refusal before execution
 *            (`surelyNotExecuted`) may have taken effect.
 */
export class Stock {
  readonly #seen = new Map<number, Seen>();

  readonly #gate: LaneGate;

  constructor(private readonly redis: Redis) {
    this.#gate = new LaneGate(redis);
  }

  /** Decides all requests of one sale in one lane, in their order, in one script call; one decision per request. */
  async reserve(lane: number, saleId: string, { requests, backlogMax = NO_LIMIT }: ReserveCall): Promise<Decision[]> {
    const seen = this.#seenOf(lane);
    const args: (string | number)[] = [saleId, seen.version, seen.runId, backlogMax];
    for (const { orderId, buyer, idempotencyKey, quantity } of requests) {
      args.push(orderId, buyer, idempotencyKey, quantity);
    }
    const { state, orders } = laneKeys(lane);
    const { sale, buyers } = saleKeys(lane, saleId);
    const [laneReply, ...replies] = (await reserveStock.run(
      this.redis,
      [state, sale, buyers, orders],
      args,
    )) as Reply[];
    const decisions = replies.map(toDecision);
    if (!areFor(requests, decisions)) throw new Error('Bug: Redis answered another call than this one');
    if (decisions[0]?.outcome !== 'UNAVAILABLE') this.#remember(lane, laneReply as unknown as LaneReply);
    return decisions;
  }

  /** Gives the units of finished, unpaid orders of one sale and lane back; one answer per order, in their order. */
  async release(
    lane: number,
    saleId: string,
    orders: readonly { buyer: string; orderId: string }[],
  ): Promise<Releases> {
    const { sale, buyers } = saleKeys(lane, saleId);
    const seen = this.#seenOf(lane);
    const args = orders.flatMap(({ buyer, orderId }) => [buyer, orderId]);
    const [laneReply, ...replies] = (await releaseStock.run(
      this.redis,
      [laneKeys(lane).state, sale, buyers],
      [seen.version, seen.runId, ...args],
    )) as [[...LaneReply, epoch: number, recorded: number], ...[outcome: Release['outcome'], version?: string][]];
    if (replies.length !== orders.length) throw new Error('Bug: Redis answered another call than this one');
    const [runId, version, epoch, recorded] = laneReply;
    if (replies[0]?.[0] !== 'UNAVAILABLE') this.#remember(lane, [runId, version]);
    return {
      runId,
      epoch,
      recorded,
      releases: replies.map(([outcome, released]) =>
        outcome === 'RELEASED' || outcome === 'ALREADY' ? { outcome, version: Number(released) } : { outcome },
      ),
    };
  }

  /** Applies adjustment `number` of a sale's stock in one lane, once; said again, it is answered as it was the first time. */
  async adjust(
    lane: number,
    saleId: string,
    { number, delta }: { number: number; delta: number },
  ): Promise<AdjustmentReply> {
    const keys = [laneKeys(lane).state, saleKeys(lane, saleId).sale];
    const seen = this.#seenOf(lane);
    const reply = await adjustStock.run(this.redis, keys, [seen.version, seen.runId, number, delta]);
    const [outcome, runId, epoch, version] = reply as [AdjustmentReply['outcome'], string, string, string];
    if (outcome === 'ADJUSTED') this.#remember(lane, [runId, version]);
    return { outcome, runId, epoch: Number(epoch), version: Number(version) };
  }

  /** Puts a sale on sale in one lane, if it is not there yet and the lane is open in that epoch. */
  async load(
    lane: number,
    saleId: string,
    { epoch, total, configuration }: { epoch: number; total: number; configuration: SaleConfiguration },
  ): Promise<'LOADED' | 'PRESENT' | 'UNAVAILABLE'> {
    const keys = [laneKeys(lane).state, saleKeys(lane, saleId).sale];
    const reply = await loadSale.run(this.redis, keys, [epoch, total, ...configurationArgs(configuration)]);
    return reply as 'LOADED' | 'PRESENT' | 'UNAVAILABLE';
  }

  /** Brings a loaded sale's configuration up to date; an older one than is in force changes nothing. */
  async configure(
    lane: number,
    saleId: string,
    configuration: SaleConfiguration,
  ): Promise<'CONFIGURED' | 'OUTDATED' | 'MISSING' | 'UNAVAILABLE'> {
    const keys = [laneKeys(lane).state, saleKeys(lane, saleId).sale];
    const reply = await configureSale.run(this.redis, keys, configurationArgs(configuration));
    return reply as 'CONFIGURED' | 'OUTDATED' | 'MISSING' | 'UNAVAILABLE';
  }

  /** Takes a sealed sale out of one lane. @param held units that Postgres has on record as held. */
  async remove(lane: number, saleId: string, held: number): Promise<Removal> {
    const { sale, buyers } = saleKeys(lane, saleId);
    const reply = await removeSale.run(this.redis, [laneKeys(lane).state, sale, buyers], [held]);
    const [outcome, runId, epoch] = reply as [Removal['outcome'], string, string];
    return { outcome, runId, epoch: Number(epoch) };
  }

  /** Undefined when the sale is not in this lane. */
  async counters(lane: number, saleId: string): Promise<SaleCounters | undefined> {
    const [total, available] = await this.redis.hmget(saleKeys(lane, saleId).sale, 'total', 'available');
    return total && available ? { total: Number(total), available: Number(available) } : undefined;
  }

  /** How many of these sales are in this lane. */
  async countPresent(lane: number, saleIds: readonly string[]): Promise<number> {
    return saleIds.length === 0 ? 0 : this.redis.exists(saleIds.map((saleId) => saleKeys(lane, saleId).sale));
  }

  /** Looks one order of a buyer up. `laneIsOpen` says whether not finding it means anything. */
  async findOrder(
    lane: number,
    saleId: string,
    { buyer, orderId }: { buyer: string; orderId: string },
  ): Promise<{ order: HeldOrder | undefined; laneIsOpen: boolean }> {
    const [record, laneInRedis] = await Promise.all([
      this.redis.hget(saleKeys(lane, saleId).buyers, buyer),
      this.#gate.read(lane),
    ]);
    const order = parseBuyerRecord(record ?? '').orders.find((held) => held.orderId === orderId);
    return { order, laneIsOpen: isOpen(laneInRedis) };
  }

  /** Ids of all orders that these buyers have, released ones too. */
  async knownOrders(lane: number, saleId: string, buyers: readonly string[]): Promise<Set<string>> {
    const records = buyers.length === 0 ? [] : await this.redis.hmget(saleKeys(lane, saleId).buyers, ...buyers);
    return new Set(records.flatMap((record) => parseBuyerRecord(record ?? '').orders.map(({ orderId }) => orderId)));
  }

  /** See scan-buyers.ts. */
  scanBuyers(lane: number, saleId: string, onlyOn?: string): AsyncGenerator<Buyer[]> {
    return scanBuyers(this.redis, { lane, saleId, onlyOn });
  }

  /** Redis' clock. */
  async nowMs(): Promise<number> {
    const [seconds, micros] = await this.redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  #seenOf(lane: number): Seen {
    return this.#seen.get(lane) ?? NOTHING_SEEN;
  }

  /** Replies may overtake one another: only the highest version counts, and its run id. */
  #remember(lane: number, [runId, version]: LaneReply): void {
    const answered = { version: Number(version), runId };
    if (answered.version >= (this.#seen.get(lane)?.version ?? 0)) this.#seen.set(lane, answered);
  }
}

/** As the scripts take it. */
export const configurationArgs = (configuration: SaleConfiguration): number[] => [
  configuration.version,
  Number(configuration.paused),
  Number(configuration.ended),
  configuration.startsAtMs,
  configuration.endsAtMs,
  configuration.perUserLimit,
];
