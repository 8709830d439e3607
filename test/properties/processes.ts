import type { Redis } from 'ioredis';
import type { Decision, ReserveRequest } from '../../src/stock/decision.js';
import { Stock } from '../../src/stock/stock.js';
import { PROCESSES } from './stock-commands.js';
import type { RealLane } from './real-lane.js';
import type { Seen } from './stock-model.js';

export interface ReserveCall {
  /** Which process calls. */
  process: number;
  /** What the model says that it was answered before, with the run ids of the server. */
  seen: Seen;
  requests: readonly ReserveRequest[];
}

/** The processes that reserve in one lane, and how they reach the script. */
export interface Processes {
  reserve(lane: RealLane, call: ReserveCall): Promise<Decision[]>;
  replace(process: number): void;
}

/** Through the typed door: each process has a `Stock`, whose own memory counts. */
export class TypedProcesses implements Processes {
  readonly #stocks: Stock[];

  constructor(private readonly redis: Redis) {
    this.#stocks = Array.from({ length: PROCESSES }, () => new Stock(redis));
  }

  reserve({ number, saleId }: RealLane, { process, requests }: ReserveCall): Promise<Decision[]> {
    return (this.#stocks[process] as Stock).reserve(number, saleId, requests);
  }

  replace(process: number): void {
    this.#stocks[process] = new Stock(this.redis);
  }
}

/** By EVAL of any text that takes the arguments of reserve-stock.lua, be it one with a planted bug. */
export class ScriptProcesses implements Processes {
  constructor(private readonly source: string) {}

  async reserve(lane: RealLane, { seen, requests }: ReserveCall): Promise<Decision[]> {
    const fields = requests.flatMap(({ orderId, buyer, idempotencyKey, quantity }) => [
      orderId,
      buyer,
      idempotencyKey,
      quantity,
    ]);
    const args = [lane.saleId, seen.version, seen.runId, ...fields];
    const [, ...replies] = (await callScript(lane, this.source, args)) as string[][];
    return replies.map(([outcome, orderId, version, decidedAtMs]) =>
      orderId === undefined
        ? ({ outcome } as Decision)
        : ({ outcome, orderId, version: Number(version), decidedAtMs: Number(decidedAtMs) } as Decision),
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
