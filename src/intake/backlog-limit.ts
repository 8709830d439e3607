import { ASSUMED_PER_SECOND, BUSY_BACKLOG } from '../order-stream/drain-rate.js';
import type { LaneWatch } from '../order-stream/lane-watch.js';

/** A client that was told more would not come back. */
const RETRY_AFTER_SECONDS_MAX = 30;

export interface BacklogLimits {
  /** How long an order may have to wait until it is stored; 0: however long. */
  waitSecondsMax: number;
  /** Orders that a lane may hold and not have stored, however fast it is: bounds the memory of Redis, about 350 bytes each. */
  ordersMax: number;
}

/**
 * How many decisions a lane may be behind before nothing more is accepted: as many as it records within the longest wait, by the
 * rate at which it was seen to record them. While nothing is recorded at all that becomes less and less, down to what is
 * too little to show a rate.
 */
export class BacklogLimit {
  constructor(
    private readonly watch: LaneWatch,
    private readonly limits: () => BacklogLimits,
  ) {}

  of(lane: number): number {
    const { waitSecondsMax, ordersMax } = this.limits();
    if (waitSecondsMax === 0) return ordersMax;
    const perSecond = this.watch.progressOf(lane)?.perSecond ?? ASSUMED_PER_SECOND;
    return Math.max(BUSY_BACKLOG, Math.min(ordersMax, Math.floor(perSecond * waitSecondsMax)));
  }

  /** When what is too much now will have been recorded, by the last look at the lane. */
  retryAfterSeconds(lane: number): number {
    const { backlog = 0, perSecond = ASSUMED_PER_SECOND } = this.watch.progressOf(lane) ?? {};
    const tooMany = Math.max(1, backlog - this.of(lane));
    return Math.min(RETRY_AFTER_SECONDS_MAX, Math.ceil(tooMany / perSecond));
  }
}
