import { canAllReach, Edges } from './convergence.js';
import { brokenPromise, HEALS, isHealthy } from './promises.js';
import { protocol, type Protocol } from './protocol.js';
import { simplify } from './simplify.js';
import { StateTable, twice } from './state-table.js';
import { stepsOfBuyers } from './steps-of-buyers.js';
import { stepsOfFaults } from './steps-of-faults.js';
import { stepsOfGuards } from './steps-of-guards.js';
import { stepsOfLeaving } from './steps-of-leaving.js';
import { stepsOfWorkers } from './steps-of-workers.js';
import { type Bounds, type Emit, initially, type System } from './system.js';

export interface Wishes {
  bounds: Bounds;
  /** The protocol, or a broken twin of it. */
  rules?: Protocol;
  /** More steps, of a twin that has them. */
  more?: (system: System, emit: Emit) => void;
  /** Of PROMISES; all of them unless some are named. */
  promises?: readonly string[];
  statesMax?: number;
}

export interface Violation {
  promise: string;
  /** From the first state to the one that breaks it: as short as any. */
  trace: readonly { name: string; system: System }[];
}

export interface Explored {
  states: number;
  /** Whether all states within the bounds were met. */
  isComplete: boolean;
  violation: Violation | undefined;
  seconds: number;
}

/** Meets every state that can be reached, nearest first, until one breaks a promise. */
export function explore(wishes: Wishes): Explored {
  const startedAt = performance.now();
  const exploration = new Exploration(wishes);
  const violation = exploration.run();
  const { states, isComplete } = exploration;
  return { states, isComplete, violation, seconds: (performance.now() - startedAt) / 1000 };
}

/** What the step into a state breaks. */
interface Broken {
  promise: string;
  state: number;
  /** Set when it is the step itself. */
  violated: string | undefined;
}

class Exploration {
  readonly #bounds: Bounds;
  readonly #rules: Protocol;
  readonly #table: StateTable;
  readonly #healing = new Edges();
  readonly #isForgetful: boolean;
  #parents = new Int32Array(1 << 16);
  isComplete = true;

  constructor(private readonly wishes: Wishes) {
    this.#bounds = wishes.bounds;
    this.#rules = wishes.rules ?? protocol;
    this.#isForgetful = wishes.bounds.kinds.includes('postgres goes back');
    this.#table = new StateTable(initially(wishes.bounds));
  }

  get states(): number {
    return this.#table.size;
  }

  run(): Violation | undefined {
    const { statesMax = Infinity, promises } = this.wishes;
    this.add(initially(this.#bounds));
    for (let state = 0; state < this.states; state += 1) {
      this.isComplete = this.states <= statesMax;
      if (!this.isComplete) return undefined;
      const broken = this.expand(state);
      if (broken) return { promise: broken.promise, trace: this.traceTo(state, broken) };
    }
    return promises?.includes(HEALS) === false ? undefined : this.stuck();
  }

  /** @returns the first promise that is broken by a step from here, or by the new state it leads to. */
  private expand(state: number): Broken | undefined {
    let broken: Broken | undefined;
    const { promises } = this.wishes;
    this.steps(this.#table.get(state), (kind, name, next, violated) => {
      const size = this.states;
      const number = this.add(next);
      const isNew = number === size;
      if (isNew) this.push(number, state);
      if (kind === 'work' && number !== state) this.#healing.add(state, number);
      const isCounted = violated !== undefined && promises?.includes(violated) !== false;
      const promise = isCounted ? violated : isNew ? brokenPromise(next, promises) : undefined;
      if (promise !== undefined) broken ??= { promise, state: number, violated };
    });
    return broken;
  }

  private add(system: System): number {
    return this.#table.add(simplify(system, this.#isForgetful));
  }

  private steps(system: System, emit: Emit): void {
    const context = { bounds: this.#bounds, rules: this.#rules };
    stepsOfBuyers(system, context, emit);
    stepsOfWorkers(system, this.#rules, emit);
    stepsOfGuards(system, context, emit);
    stepsOfLeaving(system, context, emit);
    stepsOfFaults(system, this.#bounds, emit);
    this.wishes.more?.(system, emit);
  }

  private push(state: number, parent: number): void {
    if (state >= this.#parents.length) this.#parents = twice(this.#parents);
    this.#parents[state] = parent;
  }

  /** Nobody needs to do anything but its work. Not asked of a lane that may need more epochs than the bounds leave. */
  private stuck(): Violation | undefined {
    const isGoal = (state: number) => isHealthy(this.#table.get(state));
    const isAsked = (state: number) => {
      const { books, redis, guards } = this.#table.get(state);
      // What a guard has in mind may be outdated: then it uses up an epoch in vain.
      const wasted = guards.filter(({ at }) => at !== 'rest').length;
      // Or the books went back under it: then it opens the lane in an epoch that they have forgotten.
      const inHand = guards.map((guard) => ('epoch' in guard ? guard.epoch : 0));
      return Math.max(books.epoch, redis.epoch ?? 0, ...inHand) + wasted < this.#bounds.epochMax;
    };
    const state = canAllReach(this.#healing, { states: this.states, isGoal, isAsked });
    return state === undefined ? undefined : { promise: HEALS, trace: this.traceTo(state) };
  }

  /** Only numbers were kept: the steps are taken again, so that each process keeps its number all the way. */
  private traceTo(state: number, last?: Broken): Violation['trace'] {
    const path: { state: number; violated?: string | undefined }[] = last ? [last] : [];
    for (let one = state; one !== 0; one = this.#parents[one] as number) path.unshift({ state: one });
    let system = initially(this.#bounds);
    const steps = path.map((wanted) => {
      const step = this.stepTo(wanted, system);
      system = step.system;
      return step;
    });
    return [{ name: 'in the beginning', system: initially(this.#bounds) }, ...steps];
  }

  private stepTo(wanted: { state: number; violated?: string | undefined }, from: System): Violation['trace'][number] {
    let found: Violation['trace'][number] | undefined;
    this.steps(from, (_, name, next, violated) => {
      if (found || (wanted.violated !== undefined && wanted.violated !== violated)) return;
      if (this.add(next) === wanted.state) found = { name, system: simplify(next, this.#isForgetful) };
    });
    if (!found) throw new Error(`Bug: no step leads to state ${wanted.state}`);
    return found;
  }
}
