import { twice } from './state-table.js';

/** Steps from state to state, as two columns of numbers. */
export class Edges {
  #from = new Int32Array(1 << 16);
  #to = new Int32Array(1 << 16);
  size = 0;

  add(from: number, to: number): void {
    if (this.size === this.#from.length) {
      this.#from = twice(this.#from);
      this.#to = twice(this.#to);
    }
    this.#from[this.size] = from;
    this.#to[this.size] = to;
    this.size += 1;
  }

  /** Calls back for every edge. */
  each(tell: (from: number, to: number) => void): void {
    for (let edge = 0; edge < this.size; edge += 1) tell(this.#from[edge] as number, this.#to[edge] as number);
  }
}

export interface Question {
  states: number;
  isGoal: (state: number) => boolean;
  /** Of the others nothing is claimed. */
  isAsked: (state: number) => boolean;
}

/** Goes back from every goal. @returns the first state from which no goal can be reached, or undefined. */
export function canAllReach(edges: Edges, { states, isGoal, isAsked }: Question): number | undefined {
  const sourcesOf = reversed(edges, states);
  const reached = new Uint8Array(states);
  const found: number[] = [];
  const reach = (state: number) => {
    if (reached[state] === 1) return;
    reached[state] = 1;
    found.push(state);
  };
  for (let state = 0; state < states; state += 1) if (isGoal(state)) reach(state);
  for (let state = found.pop(); state !== undefined; state = found.pop()) sourcesOf(state).forEach(reach);
  for (let state = 0; state < states; state += 1) if (reached[state] === 0 && isAsked(state)) return state;
  return undefined;
}

/** For each state those from which it is reached in one step, side by side in one long array. */
function reversed(edges: Edges, states: number): (state: number) => Int32Array {
  const starts = new Int32Array(states + 1);
  const add = (array: Int32Array, at: number, by: number) => (array[at] = (array[at] as number) + by);
  edges.each((_, to) => add(starts, to + 1, 1));
  for (let state = 0; state < states; state += 1) add(starts, state + 1, starts[state] as number);
  const next = starts.slice();
  const sources = new Int32Array(edges.size);
  edges.each((from, to) => (sources[add(next, to, 1) - 1] = from));
  return (state) => sources.subarray(starts[state], starts[state + 1]);
}
