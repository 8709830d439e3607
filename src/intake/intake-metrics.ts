import { Counter, Histogram, type Registry } from 'prom-client';
import type { Decision } from '../stock/decision.js';

export type IntakeOutcome = Lowercase<Decision['outcome']> | 'store_unavailable' | 'outcome_unknown';

/** Shown from the start: no alert sees a counter that rises from nothing. */
const ALARMING: readonly IntakeOutcome[] = ['store_unavailable', 'outcome_unknown', 'unavailable'];

/** Counted per order in plain numbers, and handed to Prometheus only when it asks. */
export class IntakeMetrics {
  readonly #outcomes = new Map<IntakeOutcome, number>(ALARMING.map((outcome) => [outcome, 0]));
  readonly #batch: Histogram;
  readonly #seconds: Histogram;

  constructor(registry: Registry) {
    const outcomes = this.#outcomes;
    new Counter({
      name: 'stampede_order_requests_total',
      help: 'Order requests that reached a decision, by outcome',
      labelNames: ['outcome'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [outcome, count] of outcomes) this.inc({ outcome }, count);
      },
    });
    this.#batch = new Histogram({
      name: 'stampede_reserve_batch_requests',
      help: 'Order requests decided by one script call',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers: [registry],
    });
    this.#seconds = new Histogram({
      name: 'stampede_reserve_seconds',
      help: 'Time that one script call took, until its answer was here or given up',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [registry],
    });
  }

  request(outcome: IntakeOutcome): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }

  batch(requests: number, seconds: number): void {
    this.#batch.observe(requests);
    this.#seconds.observe(seconds);
  }
}
