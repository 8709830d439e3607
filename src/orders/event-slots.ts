import { Problem, problemType } from '../platform/http/problem.js';
import { OVERLOADED } from '../platform/http/problems.js';

/** One of many streams ends every few seconds; a client that counts its own knows earlier. */
const RETRY_AFTER_SECONDS = 5;

const TOO_MANY_OF_BUYER = new Problem(
  problemType('too-many-streams', 429, {
    title: 'This client has too many event streams open',
    when: 'The buyer has as many event streams open as one may have.',
    next: 'Close another stream, or wait for `Retry-After` seconds; meanwhile the order itself can be read.',
  }),
  'Close another event stream first.',
  { retryAfterSeconds: RETRY_AFTER_SECONDS },
);
const TOO_MANY_IN_ALL = new Problem(OVERLOADED, 'This process has as many event streams as it can carry.', {
  retryAfterSeconds: RETRY_AFTER_SECONDS,
});

export const NO_SLOT = [TOO_MANY_OF_BUYER.type, TOO_MANY_IN_ALL.type];

/** Counts the event streams of one process, in all and for each buyer. A limit that is lowered ends none that is open. */
export class EventSlots {
  readonly #ofBuyer = new Map<string, number>();
  #taken = 0;

  constructor(private readonly limits: { perBuyerMax: () => number; inAllMax: () => number }) {}

  /** @returns what gives it back, to be called once. @throws Problem `too-many-streams`, `overloaded` */
  take(buyer: string): () => void {
    const taken = this.#ofBuyer.get(buyer) ?? 0;
    if (taken >= this.limits.perBuyerMax()) throw TOO_MANY_OF_BUYER;
    if (this.#taken >= this.limits.inAllMax()) throw TOO_MANY_IN_ALL;
    this.#ofBuyer.set(buyer, taken + 1);
    this.#taken += 1;
    return () => this.giveBack(buyer);
  }

  private giveBack(buyer: string): void {
    this.#taken -= 1;
    const left = (this.#ofBuyer.get(buyer) ?? 0) - 1;
    if (left > 0) this.#ofBuyer.set(buyer, left);
    else this.#ofBuyer.delete(buyer);
  }
}
