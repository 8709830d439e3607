import type { Redis } from 'ioredis';
import { LuaScript } from '../platform/redis/lua-script.js';
import { type BuyerRecord, type HeldOrder, parseBuyerRecord } from './buyer-record.js';
import { isOpen, LaneGate } from './lane-gate.js';
import { laneKeys, saleKeys } from './stock-keys.js';

const reserveStock = new LuaScript(new URL('./reserve-stock.lua', import.meta.url));
const loadSale = new LuaScript(new URL('./load-sale.lua', import.meta.url));
const configureSale = new LuaScript(new URL('./configure-sale.lua', import.meta.url));

/** Buyers of one page of a scan: keeps Redis busy for well under a millisecond. */
const SCAN_PAGE = 500;

export const REFUSALS = [
  'KEY_REUSED',
  'PAUSED',
  'NOT_STARTED',
  'ENDED',
  'LIMIT_REACHED',
  'SOLD_OUT',
  'UNAVAILABLE',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface Acceptance {
  outcome: 'ACCEPTED' | 'REPEATED';
  orderId: string;
  /** The lane's version of this decision. */
  version: number;
  /** Redis' clock at the decision. */
  decidedAtMs: number;
}
export type Decision = Acceptance | { outcome: Refusal };

export interface ReserveRequest {
  /** The id the order gets if it is accepted; a repeated key answers with the first one. */
  orderId: string;
  buyer: string;
  idempotencyKey: string;
  /** 1 to 999. */
  quantity: number;
}

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

/** What this process was last answered by a lane: with it, the lane notices that it has lost something. */
interface Seen {
  version: number;
  runId: string;
}

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
  async reserve(lane: number, saleId: string, requests: readonly ReserveRequest[]): Promise<Decision[]> {
    const seen = this.#seen.get(lane) ?? { version: 0, runId: '' };
    const args: (string | number)[] = [saleId, seen.version, seen.runId];
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
    if (decisions[0]?.outcome !== 'UNAVAILABLE') this.#remember(lane, laneReply as unknown as [string, string]);
    return decisions;
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

  /** Every buyer of a sale in this lane, page by page. Exact while nothing is decided meanwhile. */
  async *scanBuyers(lane: number, saleId: string): AsyncGenerator<(BuyerRecord & { buyer: string })[]> {
    let cursor = '0';
    do {
      const [next, flat] = await this.redis.hscan(saleKeys(lane, saleId).buyers, cursor, 'COUNT', SCAN_PAGE);
      cursor = next;
      yield flat.flatMap((buyer, index) =>
        index % 2 === 0 ? [{ buyer, ...parseBuyerRecord(flat[index + 1] as string) }] : [],
      );
    } while (cursor !== '0');
  }

  /** Redis' clock. */
  async nowMs(): Promise<number> {
    const [seconds, micros] = await this.redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  /** Replies may overtake one another: only the highest version counts, and its run id. */
  #remember(lane: number, [runId, version]: [string, string]): void {
    const answered = { version: Number(version), runId };
    if (answered.version >= (this.#seen.get(lane)?.version ?? 0)) this.#seen.set(lane, answered);
  }
}

/** Replies are told apart by their order on the connection: a lost one must not give a buyer the order of another. */
const areFor = (requests: readonly ReserveRequest[], decisions: readonly Decision[]): boolean =>
  requests.length === decisions.length &&
  decisions.every(
    (decision, index) => decision.outcome !== 'ACCEPTED' || decision.orderId === requests[index]?.orderId,
  );

type Reply = [outcome: string, orderId?: string, version?: string, decidedAtMs?: string];

function toDecision([outcome, orderId = '', version, decidedAtMs]: Reply): Decision {
  if (outcome === 'ACCEPTED' || outcome === 'REPEATED') {
    return { outcome, orderId, version: Number(version), decidedAtMs: Number(decidedAtMs) };
  }
  if ((REFUSALS as readonly string[]).includes(outcome)) return { outcome: outcome as Refusal };
  throw new Error(`Bug: reserve-stock.lua returned an unknown outcome '${outcome}'`);
}

const configurationArgs = (configuration: SaleConfiguration): number[] => [
  configuration.version,
  Number(configuration.paused),
  Number(configuration.ended),
  configuration.startsAtMs,
  configuration.endsAtMs,
  configuration.perUserLimit,
];
