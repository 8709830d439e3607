import { Problem } from './problem.js';
import { RATE_LIMITED } from './problems.js';

export interface RateLimits {
  /** In the long run; 1 or more, so that the next request is never refused for longer than a second. */
  perSecond: number;
  /** At once, after a while without any. */
  burst: number;
}

/** Bounds what tokens of many buyers can make a process remember: about 100 bytes each. */
const BUYERS_MAX = 500_000;

export const TOO_OFTEN = new Problem(
  RATE_LIMITED,
  'You send more requests than one buyer may. This one was not looked at: send it again, and others less often.',
  { retryAfterSeconds: 1 },
);

/**
 * How often each buyer may ask one process: the generic cell rate algorithm (a leaky bucket that keeps one number, the time at
 * which the bucket will be empty; ITU-T I.371).
 *
 * Promises:  a buyer who is forgotten has an empty bucket, unless more buyers come than a process remembers.
 * Does not:  count for all processes together: behind n of them a buyer may ask n times as often.
 */
export class BuyerRates {
  /** Since the last turn, and in the one before: a bucket that is in neither is empty by now. */
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #turnAtMs = 0;
  #refused = 0;

  constructor(private readonly limits: () => RateLimits) {}

  get refused(): number {
    return this.#refused;
  }

  /** Whether the buyer may ask now. Only what is granted counts. */
  take(buyer: string, nowMs = performance.now()): boolean {
    const { perSecond, burst } = this.limits();
    const costMs = 1_000 / perSecond;
    if (nowMs >= this.#turnAtMs || this.#young.size >= BUYERS_MAX) this.turn(nowMs + burst * costMs);
    const emptyAtMs = Math.max(nowMs, this.#young.get(buyer) ?? this.#old.get(buyer) ?? 0);
    if (emptyAtMs - nowMs > (burst - 1) * costMs) {
      this.#refused += 1;
      return false;
    }
    this.#young.set(buyer, emptyAtMs + costMs);
    return true;
  }

  private turn(nextAtMs: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnAtMs = nextAtMs;
  }
}
