import type { Redis } from 'ioredis';
import type { Decision, ReserveRequest } from '../../src/stock/decision.js';
import { Stock } from '../../src/stock/stock.js';
import type { Release } from '../../src/stock/stock-replies.js';
import { PROCESSES } from './stock-commands.js';
import type { RealLane } from './real-lane.js';
import type { Seen } from '../protocol/lane.js';

export interface ReserveCall {
  /** Which process calls. */
  process: number;
  /** What the model says that it was answered before, with the run ids of the server. */
  seen: Seen;
  requests: readonly ReserveRequest[];
  backlogMax: number;
}

export interface ReleaseCall extends Pick<ReserveCall, 'process' | 'seen'> {
  orders: readonly { buyer: string; orderId: string }[];
}

/** The processes that reserve and give back in one lane, and how they reach the scripts. */
export interface Processes {
  reserve(lane: RealLane, call: ReserveCall): Promise<Decision[]>;
  release(lane: RealLane, call: ReleaseCall): Promise<Release[]>;
  replace(process: number): void;
}

/** Through the typed door: each process has a `Stock`, whose own memory counts. */
export class TypedProcesses implements Processes {
  readonly #stocks: Stock[];

  constructor(private readonly redis: Redis) {
    this.#stocks = Array.from({ length: PROCESSES }, () => new Stock(redis));
  }

  reserve({ number, saleId }: RealLane, { process, ...call }: ReserveCall): Promise<Decision[]> {
    return (this.#stocks[process] as Stock).reserve(number, saleId, call);
  }

  async release({ number, saleId }: RealLane, { process, orders }: ReleaseCall): Promise<Release[]> {
    return (await (this.#stocks[process] as Stock).release(number, saleId, orders)).releases;
  }

  replace(process: number): void {
    this.#stocks[process] = new Stock(this.redis);
  }
}

/** By EVAL of any texts that take the arguments of the scripts, be it ones with a planted bug. */
export class ScriptProcesses implements Processes {
  constructor(private readonly scripts: { reserve: string; release: string }) {}

  async reserve(lane: RealLane, { seen, requests, backlogMax }: ReserveCall): Promise<Decision[]> {
    const fields = requests.flatMap(({ orderId, buyer, idempotencyKey, quantity }) => [
      orderId,
      buyer,
      idempotencyKey,
      quantity,
    ]);
    const args = [lane.saleId, seen.version, seen.runId, backlogMax, ...fields];
    const [, ...replies] = (await callScript(lane, this.scripts.reserve, args)) as string[][];
    return replies.map(([outcome, orderId, version, decidedAtMs]) =>
      orderId === undefined
        ? ({ outcome } as Decision)
        : ({ outcome, orderId, version: Number(version), decidedAtMs: Number(decidedAtMs) } as Decision),
    );
  }

  async release(lane: RealLane, { seen, orders }: ReleaseCall): Promise<Release[]> {
    const args = [seen.version, seen.runId, ...orders.flatMap(({ buyer, orderId }) => [buyer, orderId])];
    const keys = [lane.state, lane.sale, lane.buyers];
    const reply = (await lane.redis.eval(this.scripts.release, keys.length, ...keys, ...args)) as string[][];
    return reply
      .slice(1)
      .map(
        ([outcome, version]) =>
          (version === undefined ? { outcome } : { outcome, version: Number(version) }) as Release,
      );
  }

  replace(): void {
    // The model's memory is all they have.
  }
}

/** Calls a text with the keys of reserve-stock.lua, whatever the arguments are. */
export function callScript(lane: RealLane, source: string, args: (string | number)[]): Promise<unknown> {
  return lane.redis.eval(source, lane.keys.length, ...lane.keys, ...args);
}
