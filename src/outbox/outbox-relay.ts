import type { Queue } from 'bullmq';
import type { Pool } from 'pg';
import { failpoint } from '../platform/failpoint.js';
import type { Consumer } from './append-event.js';
import type { EventJob } from './event-job.js';
import type { OutboxMetrics } from './outbox-metrics.js';

type LeasedEvent = EventJob & { consumer: Consumer; event: string };

/** Events of one pass and consumer: one statement and one call of Redis, some 20 ms each. */
const PER_PASS_MAX = 500;

/**
 * Jobs of one queue. What is beyond it waits in Postgres, where it is safe and costs nothing: a gateway that is away for an
 * hour fills the disk of Postgres, not the memory of Redis.
 */
const IN_QUEUE_MAX = 5_000;

/**
 * The consumers' rows are walked apart, each from its oldest on, so that one that is behind does not hold up the others.
 * SKIP LOCKED lets relays work side by side.
 */
const LEASE = `
  UPDATE outbox_events SET leased_until = now() + make_interval(secs => $3)
  FROM unnest($1::text[], $2::integer[]) AS room (consumer, events)
  CROSS JOIN LATERAL (
    SELECT d.event_id FROM outbox_events d
    WHERE d.consumer = room.consumer AND d.leased_until < now()
    ORDER BY d.event_id LIMIT room.events FOR UPDATE SKIP LOCKED
  ) AS due
  WHERE outbox_events.consumer = room.consumer AND outbox_events.event_id = due.event_id
  RETURNING outbox_events.consumer, event, outbox_events.event_id AS "eventId", sale_id AS "saleId", order_id AS "orderId"`;

/**
 * Hands committed events to the queues of their consumers, oldest first, under a lease.
 *
 * Promises:  every committed event is handed over at least once, and again when its lease runs out without its effect, so a
 *            queue that was wiped delays and loses nothing.
 * Does not:  delete rows. Only the consumer's transaction does, with the effect.
 * Does not:  remember where it was: ids are given before the commit, so a row with a lower one may appear later.
 * Does not:  keep an order across relays that run side by side.
 */
export class OutboxRelay {
  constructor(
    private readonly pool: Pool,
    private readonly queues: ReadonlyMap<Consumer, Queue<EventJob>>,
    private readonly metrics: OutboxMetrics,
    private readonly options: { leaseSeconds: number },
  ) {}

  /** One batch for each consumer. @returns how many events it handed over. */
  async runOnce(): Promise<number> {
    const events = await this.lease(await this.readRoom());
    if (events.length > 0) failpoint('relay-leased');
    for (const [consumer, queue] of this.queues) {
      const ofThis = events.filter((event) => event.consumer === consumer);
      if (ofThis.length > 0) await queue.addBulk(ofThis.map(toJob));
      this.metrics.handedOver(consumer, ofThis.length);
    }
    if (events.length > 0) failpoint('relay-handed-over');
    return events.length;
  }

  /** Fails when Redis is away: then nothing is leased. */
  private async readRoom(): Promise<Map<Consumer, number>> {
    const counts = await Promise.all(
      [...this.queues].map(async ([consumer, queue]): Promise<[Consumer, number]> => {
        const inQueue = await queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized');
        return [consumer, Math.min(PER_PASS_MAX, IN_QUEUE_MAX - inQueue)];
      }),
    );
    return new Map(counts.filter(([, room]) => room > 0));
  }

  private async lease(room: Map<Consumer, number>): Promise<LeasedEvent[]> {
    const { rows } = await this.pool.query<LeasedEvent>({
      name: 'lease-events',
      text: LEASE,
      values: [[...room.keys()], [...room.values()], this.options.leaseSeconds],
    });
    return rows.sort((a, b) => a.eventId - b.eventId);
  }
}

/** Under the event's id: one that waits in its queue already is not added again. */
const toJob = ({ event, eventId, saleId, orderId }: LeasedEvent) => ({
  name: event,
  data: { eventId, saleId, orderId },
  opts: {
    jobId: `event-${eventId}`,
    // What is left in a queue would keep its id from being added again.
    removeOnComplete: true,
    removeOnFail: true,
    attempts: 20, // about three minutes; then its lease has run out, and it comes again
    backoff: { type: 'custom' },
  },
});
