import type { Pool } from 'pg';
import { type EventJob, strikeOff } from '../outbox/event-job.js';
import { failpoint } from '../platform/failpoint.js';
import { Batcher } from '../platform/loop/batcher.js';

/** What an order must cost to be worth a point. */
const MINOR_PER_POINT = 100;

const BATCH_MAX = 500;

/** The effect follows from what was struck off: of an event that comes again nothing is left to strike off. */
const GRANT = `
  WITH done AS (${strikeOff('rewards', '$1::bigint[]')}
  )
  INSERT INTO reward_points (order_id, sale_id, buyer_id, points)
  SELECT o.order_id, o.sale_id, o.buyer_id, o.amount_minor / ${MINOR_PER_POINT}
  FROM done JOIN orders o USING (sale_id, order_id)
  ORDER BY o.order_id
  ON CONFLICT (order_id) DO NOTHING`;

/**
 * Grants a buyer points for each paid order. Consumes `order.paid`.
 *
 * This is the pattern of a consumer (docs/CONSUMERS.md): one statement strikes the event off and has its effect, so both are
 * committed, or neither. Whatever is done elsewhere (a call, a mail) comes before that statement, and must bear repetition.
 *
 * Promises:  points are granted once for each order, however often and wherever the job runs.
 */
export class GrantPoints {
  readonly #granting: Batcher<number, undefined>;

  constructor(private readonly pool: Pool) {
    this.#granting = new Batcher((eventIds) => this.grant(eventIds), BATCH_MAX);
  }

  async run({ eventId }: EventJob): Promise<void> {
    await this.#granting.add(eventId);
    failpoint('points-granted');
  }

  private async grant(eventIds: readonly number[]): Promise<undefined[]> {
    await this.pool.query({ name: 'grant-points', text: GRANT, values: [eventIds] });
    return [];
  }
}
