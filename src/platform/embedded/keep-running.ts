import { setTimeout as delay } from 'node:timers/promises';
import type { Exit, Running } from './child-end.js';

/** The first restart is quick, since most deaths are single; a child that dies at once again and again costs little. */
const BACK_OFF_MIN_MS = 200;
const BACK_OFF_MAX_MS = 10_000;
/** A child that lived this long had started properly: its death is the first of a new row. */
const STEADY_AFTER_MS = 30_000;

export interface Supervision<Child extends Running> {
  start(): Promise<Child>;
  /** It ended, or could not be started again, and will be started in `againInMs`. */
  onDown(why: string, againInMs: number): void;
  /** An end after which starting again is pointless: answer true, and the supervision is over. */
  isFinal?(exit: Exit): boolean;
}

/**
 * Keeps one child process running: starts it again when it ends, after a pause that doubles from 0.2 s to 10 s.
 *
 * Promises:  after `stop` resolved the child is gone and stays gone, also when it was just being started.
 * Does not:  hide that the first start failed: `start` throws, and nothing is supervised.
 */
export class KeepRunning<Child extends Running> {
  #child: Promise<Child> | undefined;
  readonly #stopping = new AbortController();

  constructor(private readonly supervision: Supervision<Child>) {}

  /** Starts the child for the first time; answers it. */
  async start(): Promise<Child> {
    const first = await this.#launch();
    void this.#watch(first);
    return first;
  }

  /** Ends the child in order and for good. */
  async stop(): Promise<void> {
    await this.#end((child) => child.stop());
  }

  /** Ends the child at once and for good. */
  async kill(): Promise<void> {
    await this.#end((child) => child.kill());
  }

  async #end(how: (child: Child) => Promise<void>): Promise<void> {
    this.#stopping.abort();
    const child = await this.#child?.catch(() => undefined);
    if (child) await how(child);
  }

  async #watch(first: Child): Promise<void> {
    let child: Child | undefined = first;
    for (let backOffMs = BACK_OFF_MIN_MS; ; backOffMs = Math.min(backOffMs * 2, BACK_OFF_MAX_MS)) {
      let why = 'it could not be started';
      if (child) {
        const startedAt = Date.now();
        const exit = await child.exited;
        if (this.#stopping.signal.aborted || this.supervision.isFinal?.(exit)) return;
        if (Date.now() - startedAt > STEADY_AFTER_MS) backOffMs = BACK_OFF_MIN_MS;
        why = exit.signal ? `ended by ${exit.signal}` : `ended with code ${exit.code}`;
      }
      this.supervision.onDown(why, backOffMs);
      if (await this.#isStoppedWithin(backOffMs)) return;
      child = await this.#launch().catch(() => undefined);
    }
  }

  #launch(): Promise<Child> {
    this.#child = (async () => this.supervision.start())(); // what it throws at once is a rejection as well
    return this.#child;
  }

  async #isStoppedWithin(ms: number): Promise<boolean> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    return this.#stopping.signal.aborted;
  }
}
