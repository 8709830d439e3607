import type { PoolClient } from 'pg';
import type { Taking } from './lease-rows.js';

/** What the holder of a lease has in hand. */
export interface Held {
  readonly name: string;
  /** Rises with each taking of this name. */
  readonly token: number;
  /** Aborted, with a {@link LeaseLost} as its reason, once the lease may be somebody else's: begin no further step. */
  readonly signal: AbortSignal;

  /**
   * The fence. Nobody takes the lease between this and the end of the transaction, so whatever the transaction writes
   * is written by the newest holder. It goes by the token and not by the time: a lease that ran out and that nobody
   * took may still write.
   *
   * @throws LeaseLost when somebody has taken the lease since; let it through, so that the transaction is rolled back.
   */
  require(tx: PoolClient): Promise<void>;
}

/** The lease is somebody else's by now, or may be. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';

  constructor(
    { name, token }: Taking,
    readonly because: string,
    cause?: unknown,
  ) {
    super(`The lease '${name}' with token ${token} is lost: ${because}`, cause === undefined ? {} : { cause });
  }
}
