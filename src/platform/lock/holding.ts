import type { Pool, PoolClient } from 'pg';
import { type Held, LeaseLost } from './held.js';
import { extendLease, giveBackLease, lockNewest, type Taking } from './lease-rows.js';

/** Into how many parts the time of a lease is cut: it is extended when one of them is over. */
const EXTENSIONS_PER_TTL = 3;

/** Sooner after an extension that failed, so that Postgres may be away for half of the time and the lease is kept. */
const RETRIES_PER_TTL = 10;

const TAKEN = 'somebody has taken it since';

export interface HoldingOptions {
  ttlMs: number;
  /**
   * When Postgres was asked for the lease, by `performance.now()`, which no change of the clock moves. Postgres began to
   * count later, so the lease is ours for `ttlMs` from here, whatever happens.
   */
  askedAtMs: number;
}

/** One holding of a lease, from its taking to its end: extends it meanwhile, and gives it back. */
export class Holding implements Held {
  readonly name: string;
  readonly token: number;
  readonly #controller = new AbortController();
  #loss: LeaseLost | undefined;
  #runsOutAtMs = 0;
  #runningOut: NodeJS.Timeout | undefined;
  #nextExtension: NodeJS.Timeout | undefined;
  #extending = Promise.resolve();
  #lastFailure: unknown;
  #isEnding = false;

  constructor(
    private readonly pool: Pool,
    { name, token }: Taking,
    private readonly options: HoldingOptions,
  ) {
    this.name = name;
    this.token = token;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async require(tx: PoolClient): Promise<void> {
    if (!(await lockNewest(tx, this))) throw this.lose(TAKEN);
  }

  /** Rejects with LeaseLost when the lease was lost before `work` ended, whatever came of `work`. */
  async during<T>(work: (held: Held) => Promise<T>): Promise<T> {
    this.keepFrom(this.options.askedAtMs);
    let result: T;
    try {
      result = await work(this);
    } catch (error) {
      await this.end();
      if (this.#loss && !(error instanceof LeaseLost)) throw new LeaseLost(this, this.#loss.because, error);
      throw error;
    }
    await this.end();
    if (this.#loss) throw this.#loss;
    return result;
  }

  /** Stops the extensions and tells `work` to stop. The first loss is the one that is told. */
  lose(because: string, cause?: unknown): LeaseLost {
    if (this.#loss) return this.#loss;
    this.#loss = new LeaseLost(this, because, cause);
    this.clearTimers();
    this.#controller.abort(this.#loss);
    return this.#loss;
  }

  private keepFrom(askedAtMs: number): void {
    this.#runsOutAtMs = askedAtMs + this.options.ttlMs;
    if (this.#loss || this.#isEnding) return;
    this.clearTimers();
    // By a timer: a Postgres that is silent fails an extension only long after the lease has run out.
    this.#runningOut = setTimeout(
      () => this.lose('it could not be extended in time', this.#lastFailure),
      this.#runsOutAtMs - performance.now(),
    );
    this.extendAfter(this.options.ttlMs / EXTENSIONS_PER_TTL);
  }

  private extendAfter(delayMs: number): void {
    if (this.#loss || this.#isEnding) return;
    this.#nextExtension = setTimeout(() => {
      this.#extending = this.extend();
    }, delayMs);
  }

  private async extend(): Promise<void> {
    const askedAtMs = performance.now();
    try {
      if (await extendLease(this.pool, this, this.options.ttlMs)) this.keepFrom(askedAtMs);
      else this.lose(TAKEN);
    } catch (error) {
      this.#lastFailure = error;
      this.extendAfter(this.options.ttlMs / RETRIES_PER_TTL);
    }
  }

  private async end(): Promise<void> {
    const hasRunOut = performance.now() >= this.#runsOutAtMs;
    this.#isEnding = true;
    this.clearTimers();
    if (this.#loss && hasRunOut) return; // free already; a Postgres that is silent would keep the caller waiting
    await this.#extending; // one that arrives after the giving back would undo it
    try {
      if (!(await giveBackLease(this.pool, this))) this.lose(TAKEN);
    } catch (error) {
      // It runs out by itself. Whether somebody had it before the work ended, only the time can say.
      if (hasRunOut) this.lose('it ran out before the work ended', error);
    }
  }

  private clearTimers(): void {
    clearTimeout(this.#runningOut);
    clearTimeout(this.#nextExtension);
  }
}
