/** How far a lane was at one moment. */
export interface Sample {
  atMs: number;
  epoch: number;
  /** Decisions of the epoch that Postgres has recorded. */
  recorded: number;
  /** Decisions that it has not. */
  backlog: number;
}

/** What a lane stores in a second until it was measured: far below what one worker reaches. */
export const ASSUMED_PER_SECOND = 1_000;

/**
 * A lane shows how fast it is only while it has more to record than a worker takes at once: below that it stores what comes in, and
 * would look as slow as its buyers.
 */
export const BUSY_BACKLOG = 1_000;

/** After a third of it a change counts for a quarter. A stall of one or two seconds, a failover say, is no reason to refuse anybody. */
const SMOOTHED_OVER_MS = 5_000;

/** How many decisions a lane records in a second when it has to: a moving average over its busy times. */
export class DrainRate {
  #perSecond = ASSUMED_PER_SECOND;
  #last: Sample | undefined;

  /** @returns decisions per second; towards 0 while nothing is recorded. */
  note(now: Sample): number {
    const before = this.#last;
    this.#last = now;
    if (!before || before.epoch !== now.epoch || Math.min(before.backlog, now.backlog) < BUSY_BACKLOG) {
      return this.#perSecond;
    }
    const passedMs = now.atMs - before.atMs;
    const measured = ((now.recorded - before.recorded) * 1_000) / passedMs;
    const weight = 1 - Math.exp(-passedMs / SMOOTHED_OVER_MS);
    this.#perSecond += (Math.max(0, measured) - this.#perSecond) * weight;
    return this.#perSecond;
  }
}
