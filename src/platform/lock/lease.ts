import type { Pool } from 'pg';
import type { Held } from './held.js';
import { Holding } from './holding.js';
import { takeLease } from './lease-rows.js';

/**
 * Leases, one row of Postgres each.
 *
 * Promises:  each taking of a name has a larger token than all before it, and Postgres' clock alone decides whether a
 *            lease is free.
 * Promises:  a lease that is given back is free at once; one whose holder died is free after `ttlMs`.
 * Does not:  keep a holder that was paused from going on when it wakes. Its transactions stop at {@link Held.require};
 *            what it does elsewhere must carry the token, or be harmless when it is done twice.
 */
export class Leases {
  constructor(
    private readonly pool: Pool,
    /** Who we are, for an operator who reads the table. Nothing is decided by it. */
    private readonly holder: string,
    private readonly options: { ttlMs: number },
  ) {}

  /**
   * Holds the lease during `work` and answers its result; nobody else held it from the taking to the end of `work`.
   * Answers undefined at once, and does nothing, when somebody else has it. Aborting `until` ends the holding early.
   *
   * @throws LeaseLost when the lease was lost before `work` ended; an error of `work` itself is then its `cause`.
   * @throws what `work` throws otherwise, or pg when Postgres is away. A taking whose answer got lost costs `ttlMs`.
   */
  async hold<T>(name: string, work: (held: Held) => Promise<T>, until?: AbortSignal): Promise<T | undefined> {
    const { ttlMs } = this.options;
    const askedAtMs = performance.now();
    const token = await takeLease(this.pool, { name, holder: this.holder, ttlMs });
    if (token === undefined) return undefined;
    const holding = new Holding(this.pool, { name, token }, { ttlMs, askedAtMs });
    const giveUp = () => holding.lose('its holder gave it up', until?.reason);
    if (until?.aborted) giveUp();
    until?.addEventListener('abort', giveUp);
    try {
      return await holding.during(work);
    } finally {
      until?.removeEventListener('abort', giveUp);
    }
  }
}
