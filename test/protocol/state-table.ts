import type { System } from './system.js';

const START = 1 << 16;

/**
 * All states that were met, each once. A state is kept as the numbers of its parts, for few parts differ: a lane or the books
 * of one state are those of thousands of others. Processes of one kind are alike, so their order does not matter.
 */
export class StateTable {
  readonly #parts: (object | undefined)[] = [undefined];
  readonly #numberOfPart = new Map<object, number>();
  readonly #numberOfText = new Map<string, number>();
  readonly #counts: readonly number[];
  readonly #width: number;
  readonly #scratch: Int32Array;
  /** The state that was asked for last: most parts of the next ones are its parts. */
  #latest: { parts: readonly (object | undefined)[]; start: number } = { parts: [], start: 0 };
  #states: Int32Array<ArrayBuffer>;
  #slots = new Int32Array(2 * START).fill(-1);
  size = 0;

  constructor(first: System) {
    this.#counts = [first.apis.length, first.workers.length, first.guards.length];
    this.#width = partsOf(first).length;
    this.#scratch = new Int32Array(this.#width);
    this.#states = new Int32Array(START * this.#width);
  }

  /** @returns its number; a new state gets the next one. */
  add(system: System): number {
    const state = this.#scratch;
    const parts = partsOf(system);
    const { parts: latest, start } = this.#latest;
    for (let index = 0; index < this.#width; index += 1) {
      const isSame = parts[index] === latest[index] && latest.length > 0;
      state[index] = isSame ? (this.#states[start + index] as number) : this.numberOf(parts[index]);
    }
    let end = SINGLE;
    for (const count of this.#counts) {
      if (count > 1) state.subarray(end, end + count).sort();
      end += count;
    }
    return this.numberOfState(state);
  }

  get(number: number): System {
    const start = number * this.#width;
    const parts = Array.from({ length: this.#width }, (_, index) => this.#parts[this.#states[start + index] as number]);
    this.#latest = { parts, start };
    const [redis, copies, books, replica, giver, world] = parts;
    const [apis = 0, workers = 0] = this.#counts;
    const firstGuard = SINGLE + apis + workers;
    return {
      redis,
      copies,
      books,
      replica,
      giver,
      world,
      apis: parts.slice(SINGLE, SINGLE + apis),
      workers: parts.slice(SINGLE + apis, firstGuard),
      guards: parts.slice(firstGuard),
    } as System;
  }

  private numberOf(part: object | undefined): number {
    if (part === undefined) return 0;
    const known = this.#numberOfPart.get(part);
    if (known !== undefined) return known;
    const text = this.textOf(part);
    const same = this.#numberOfText.get(text);
    if (same !== undefined) return same;
    const number = this.#parts.push(part) - 1;
    this.#numberOfText.set(text, number);
    this.#numberOfPart.set(part, number);
    return number;
  }

  /** Says what is in it; of what is in that in turn it says the numbers, and so it is short. */
  private textOf(part: object): string {
    let text = Array.isArray(part) ? '[' : '{';
    for (const key in part) {
      const value = (part as Record<string, object | string | number | boolean | undefined>)[key];
      if (value === undefined) continue;
      text += typeof value === 'object' ? `${key}#${this.numberOf(value)},` : `${key}=${value},`;
    }
    return text;
  }

  private numberOfState(state: Int32Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(state) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] as number;
      if (number === -1) return this.push(state, slot);
      if (this.isAt(number, state)) return number;
    }
  }

  private isAt(number: number, state: Int32Array): boolean {
    const start = number * this.#width;
    for (let index = 0; index < this.#width; index += 1) {
      if (this.#states[start + index] !== state[index]) return false;
    }
    return true;
  }

  private push(state: Int32Array, slot: number): number {
    const number = this.size++;
    if (this.#states.length < this.size * this.#width) this.#states = twice(this.#states);
    this.#states.set(state, number * this.#width);
    this.#slots[slot] = number;
    if (2 * this.size > this.#slots.length) this.rehash();
    return number;
  }

  private rehash(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = this.#slots.length - 1;
    for (let number = 0; number < this.size; number += 1) {
      let slot = hash(this.#states.subarray(number * this.#width, (number + 1) * this.#width)) & mask;
      while (this.#slots[slot] !== -1) slot = (slot + 1) & mask;
      this.#slots[slot] = number;
    }
  }
}

const SINGLE = 6;

/** First what there is one of, then the processes. */
const partsOf = ({ redis, copies, books, replica, giver, world, apis, workers, guards }: System) => [
  redis,
  copies,
  books,
  replica,
  giver,
  world,
  ...apis,
  ...workers,
  ...guards,
];

/** A longer array that begins with the same numbers. */
export function twice(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * numbers.length);
  longer.set(numbers);
  return longer;
}

/** FNV-1a over whole numbers, with a last mix: the table looks at the low bits. */
function hash(state: Int32Array): number {
  let mixed = 0x811c9dc5;
  for (const number of state) mixed = Math.imul(mixed ^ number, 0x01000193);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
