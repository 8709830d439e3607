/** @import { Problem } from './types.mjs' */

const QUIET_MAX_MS = 30_000;

/** A look may take one part in so many of the time: who asks a busy server asks it less often. */
const SHARE = 10;

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>} resolves when the time is over, or at once when it is aborted
 */
export function sleep(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}

/**
 * How long to wait before the attempt after this many failures: longer each time, never less than was asked for, and not
 * at the same moment as everybody else.
 *
 * @param {number} failures from 1
 * @param {number | null} retryAfterMs
 */
export function pauseMs(failures, retryAfterMs) {
  const backoffMs = Math.min(QUIET_MAX_MS, 500 * 2 ** failures);
  return Math.max(retryAfterMs ?? 0, backoffMs / 2) + (Math.random() * backoffMs) / 2;
}

/** Looks again and again while somebody sees the page, one look at a time. */
export class Poll {
  #look;
  #everyMs;
  #waking = new AbortController();
  #isStopped = false;

  /**
   * @param {() => Promise<Problem | null>} look says what was in its way
   * @param {number} everyMs
   */
  constructor(look, everyMs) {
    this.#look = look;
    this.#everyMs = everyMs;
    document.addEventListener('visibilitychange', () => this.now());
    void this.#run();
  }

  /** Looks at once, or as soon as the look that is under way is over. */
  now() {
    this.#waking.abort();
  }

  stop() {
    this.#isStopped = true;
    this.now();
  }

  async #run() {
    for (let failures = 0; !this.#isStopped;) {
      this.#waking = new AbortController();
      const { signal } = this.#waking;
      if (document.hidden) {
        await sleep(QUIET_MAX_MS * SHARE, signal);
        continue;
      }
      const beganMs = performance.now();
      const problem = await this.#look();
      failures = problem ? failures + 1 : 0;
      const tookMs = performance.now() - beganMs;
      const restMs = Math.max(this.#everyMs, tookMs * SHARE);
      await sleep(problem ? Math.max(restMs, pauseMs(failures, problem.retryAfterMs)) : restMs, signal);
    }
  }
}
