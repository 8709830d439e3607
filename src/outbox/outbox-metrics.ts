import { Counter, Gauge, type Registry } from 'prom-client';
import type { Pool } from 'pg';
import type { Consumer } from './append-event.js';

/** Age of the oldest event of each consumer, from the front of its part of the primary key. */
const OLDEST = `
  SELECT c.consumer, coalesce(extract(epoch FROM now() - oldest.created_at), 0)::float8 AS seconds
  FROM unnest($1::text[]) AS c (consumer)
  LEFT JOIN LATERAL (
    SELECT created_at FROM outbox_events e WHERE e.consumer = c.consumer ORDER BY event_id LIMIT 1
  ) AS oldest ON true`;

export class OutboxMetrics {
  readonly #handedOver: Counter<'consumer'>;

  constructor(registry: Registry, pool: Pool, consumers: readonly Consumer[]) {
    this.#handedOver = new Counter({
      name: 'stampede_outbox_handed_over_total',
      help: 'Events handed to the queue of a consumer, repeated ones counted',
      labelNames: ['consumer'],
      registers: [registry],
    });
    new Gauge({
      name: 'stampede_outbox_oldest_seconds',
      help: 'Age of the oldest event that has not had its effect yet; 0 when there is none',
      labelNames: ['consumer'],
      registers: [registry],
      async collect() {
        const { rows } = await pool
          .query<{ consumer: string; seconds: number }>(OLDEST, [consumers])
          .catch(() => ({ rows: [] })); // Postgres is away: the other metrics are to be seen all the same
        for (const { consumer, seconds } of rows) this.set({ consumer }, seconds);
      },
    });
  }

  handedOver(consumer: Consumer, events: number): void {
    this.#handedOver.inc({ consumer }, events);
  }
}
