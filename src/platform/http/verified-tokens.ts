const KNOWN_FOR_MS = 60_000;
/** Of two generations: at least so many of the last ones are known. */
const GENERATION_MAX = 5_000;

interface Known<Caller> {
  readonly caller: Caller;
  readonly untilMs: number;
}

/**
 * The callers of tokens that were verified lately: a look-up takes a fraction of what a signature takes to check.
 *
 * Promises:  a token is known for a minute at most, and never after its `exp`; there are never more than 10,000.
 * Does not:  know tokens that were refused: whoever cannot sign can neither fill it nor drive others out.
 */
export class VerifiedTokens<Caller> {
  #young = new Map<string, Known<Caller>>();
  #old = new Map<string, Known<Caller>>();

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  find(token: string): Caller | undefined {
    const known = this.#young.get(token) ?? this.#old.get(token);
    return known && Date.now() <= known.untilMs ? known.caller : undefined;
  }

  /** The older half is dropped at once: one by one, a Map would walk over what was deleted before. */
  add(token: string, caller: Caller, expSeconds: number): void {
    if (this.#young.size >= GENERATION_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(token, { caller, untilMs: Math.min(Date.now() + KNOWN_FOR_MS, expSeconds * 1000) });
  }
}
