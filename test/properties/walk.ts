import type { Decision } from '../../src/stock/decision.js';
import type { SaleConfiguration } from '../../src/stock/stock.js';
import type { Release } from '../../src/stock/stock-replies.js';
import { type Command, PROCESSES, type Scenario, type Terms } from './stock-commands.js';
import type { Processes } from './processes.js';
import { expectConserved, pictureOf, type RealLane } from './real-lane.js';
import * as model from '../protocol/lane.js';
import * as guarded from '../protocol/lane-under-guard.js';

type Reserving = Extract<Command, { do: 'reserve' }>;

const HOUR_MS = 3_600_000;
const HOURS_FROM_NOW = { before: [1, 2], open: [-1, 1], over: [-2, -1] } as const;

/** What the walks of a property have met. A property that never meets an outcome says nothing about it. */
export type Met = Set<Decision['outcome'] | Release['outcome']>;

/**
 * Takes the model and a real lane through the same commands, and fails at the first difference.
 *
 * After every command the whole picture is compared; and where the model did not change, nothing may have been written.
 */
export class Walk {
  readonly #startedAtMs = Date.now();
  #lane = model.emptyLane('redis-0');
  #onDisk = this.#lane;
  readonly #seen = Array.from({ length: PROCESSES }, () => model.NOTHING_SEEN);
  #restarts = 0;
  #epoch: number;
  #orders = 0;
  #configVersion = 1;

  private constructor(
    private readonly real: RealLane,
    private readonly processes: Processes,
    private readonly serverRunId: string,
    private readonly met: Met,
    firstEpoch: number,
  ) {
    this.#epoch = firstEpoch - 1;
  }

  static async through(
    { epoch, total, perUserLimit, commands }: Scenario,
    on: { real: RealLane; processes: Processes; met: Met },
  ) {
    const { serverRunId } = await on.real.gate.read(on.real.number);
    const walk = new Walk(on.real, on.processes, serverRunId, on.met, epoch);
    await walk.close(false);
    await walk.open(false);
    await walk.load({ total, perUserLimit, epoch });
    for (const command of commands) await walk.step(command);
  }

  private async step(command: Command): Promise<void> {
    const before = this.#lane;
    const wasWritten = await this.real.isWrittenBy(() => this.take(command));
    if (this.#lane === before) expect(wasWritten).toBe(false);

    const picture = await this.real.picture((runId) => (runId === this.serverRunId ? this.#lane.serverRunId : runId));
    expect(picture).toEqual(pictureOf(this.#lane, this.real.saleId));
    expectConserved(picture);
  }

  private async take(command: Command): Promise<void> {
    switch (command.do) {
      case 'reserve':
        return this.reserve(command);
      case 'configure':
        return this.configure(command.terms, command.isLate);
      case 'give back':
        return this.giveBack(command.process, command.nths);
      case 'load':
        return this.load({
          total: command.total,
          perUserLimit: 2,
          epoch: this.#epoch + Number(command.inAnotherEpoch),
        });
      case 'close':
        return this.close(command.underAnOldToken);
      case 'open':
        return this.open(command.underAnOldToken);
      case 'arm':
        return this.arm(command.comparedBefore);
      case 'replace process':
        this.#seen[command.process] = model.NOTHING_SEEN;
        this.processes.replace(command.process);
        return;
      case 'reach the disk':
      case 'lose the tail':
      case 'restart':
      case 'empty':
        return this.suffer(command.do);
    }
  }

  private async reserve({ process, requests: wishes, backlogMax }: Reserving): Promise<void> {
    const requests = wishes.map(({ buyer, key, quantity }) => ({
      orderId: uuidOf((this.#orders += 1)),
      buyer,
      idempotencyKey: key,
      quantity,
    }));
    const seen = this.#seen[process] ?? model.NOTHING_SEEN;
    const realSeen = { ...seen, runId: this.realName(seen.runId) };
    const sentAtMs = Date.now();
    const decisions = await this.processes.reserve(this.real, { process, seen: realSeen, requests, backlogMax });
    const nowMs = decisions.map(acceptedAtMs).find(Boolean) ?? sentAtMs;
    expect(nowMs >= sentAtMs && nowMs <= Date.now()).toBe(true);

    const [lane, expected] = model.reserve(this.#lane, { seen, nowMs, requests, backlogMax });
    expect(decisions).toEqual(expected);
    this.#lane = lane;
    this.#seen[process] = model.remember(seen, lane, expected);
    for (const { outcome } of expected) this.met.add(outcome);
  }

  private async configure(terms: Terms, isLate: boolean): Promise<void> {
    const configuration = this.configuration(terms, isLate ? this.#configVersion : (this.#configVersion += 1));
    const outcome = await this.real.stock.configure(this.real.number, this.real.saleId, configuration);
    this.expectSame(outcome, model.configure(this.#lane, configuration));
  }

  private async giveBack(process: number, nths: readonly number[]): Promise<void> {
    const known = this.#lane.sale?.orders ?? [];
    const orders = nths.map((nth) => known[nth] ?? { buyer: 'ann', orderId: uuidOf(0) });
    const seen = this.#seen[process] ?? model.NOTHING_SEEN;
    const realSeen = { ...seen, runId: this.realName(seen.runId) };
    const releases = await this.processes.release(this.real, { process, seen: realSeen, orders });

    const orderIds = orders.map(({ orderId }) => orderId);
    const [lane, expected] = model.release(this.#lane, { seen, orderIds });
    expect(releases).toEqual(expected);
    this.#lane = lane;
    this.#seen[process] = model.remember(seen, lane, expected);
    for (const { outcome } of expected) this.met.add(outcome);
  }

  private async load(wishes: { total: number; perUserLimit: number; epoch: number }): Promise<void> {
    const { total, perUserLimit, epoch } = wishes;
    const terms = { window: 'open', paused: false, ended: false, perUserLimit } as const;
    const configuration = this.configuration(terms, this.#configVersion);
    const outcome = await this.real.stock.load(this.real.number, this.real.saleId, { epoch, total, configuration });
    this.expectSame(outcome, model.load(this.#lane, epoch, { total, configuration }));
  }

  private async close(underAnOldToken: boolean): Promise<void> {
    const token = Math.max(1, this.#lane.guardToken + (underAnOldToken ? -1 : 1));
    const runId = await this.real.gate.close(this.real.number, token, 'a walk');
    this.expectSame(runId === this.serverRunId, guarded.close(this.#lane, token));
  }

  private async open(underAnOldToken: boolean): Promise<void> {
    const token = Math.max(1, this.#lane.guardToken - Number(underAnOldToken));
    const epoch = (this.#epoch += 1);
    const isOpen = await this.real.gate.open(this.real.number, token, { epoch, runId: this.serverRunId });
    const by = { token, runId: this.#lane.serverRunId };
    this.expectSame(isOpen, guarded.open(this.#lane, by, { epoch, recorded: 0 }));
  }

  private async arm(comparedBefore: boolean): Promise<void> {
    const { epoch = 0, version = 0, guardToken } = this.#lane;
    const compared = { epoch, version: comparedBefore ? version - 1 : version };
    const realCompared = { ...compared, runId: this.serverRunId };
    const isArmed = await this.real.gate.arm(this.real.number, guardToken + 1, realCompared);
    const { serverRunId: runId } = this.#lane;
    this.expectSame(isArmed, guarded.arm(this.#lane, guardToken + 1, { ...compared, runId }));
  }

  private async suffer(accident: 'reach the disk' | 'lose the tail' | 'restart' | 'empty'): Promise<void> {
    const { serverRunId } = this.#lane;
    if (accident === 'reach the disk') {
      this.#onDisk = this.#lane;
      return this.real.reachTheDisk();
    }
    if (accident === 'empty') {
      this.#lane = model.emptyLane(serverRunId);
      return this.real.empty();
    }
    if (accident === 'lose the tail') {
      this.#lane = { ...this.#onDisk, serverRunId };
      await this.real.loseTheTail();
    } else {
      this.#lane = { ...this.#lane, serverRunId: `redis-${(this.#restarts += 1)}` };
    }
    if (this.#lane.runId) await this.real.setRunId(this.realName(this.#lane.runId));
  }

  /** The server keeps its run id, so an earlier one goes by the name that the model gave it. */
  private realName(runId: string): string {
    return runId === this.#lane.serverRunId ? this.serverRunId : runId;
  }

  private configuration({ window, ...terms }: Terms, version: number): SaleConfiguration {
    const [startsAtMs, endsAtMs] = HOURS_FROM_NOW[window].map((hours) => this.#startedAtMs + hours * HOUR_MS);
    return { ...terms, version, startsAtMs: startsAtMs as number, endsAtMs: endsAtMs as number };
  }

  private expectSame<T>(outcome: T, [lane, expected]: [model.Lane, T]): void {
    expect(outcome).toEqual(expected);
    this.#lane = lane;
  }
}

const acceptedAtMs = (decision: Decision) => (decision.outcome === 'ACCEPTED' ? decision.decidedAtMs : undefined);

const uuidOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
