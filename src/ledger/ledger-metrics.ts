import { Counter, Histogram, type Registry } from 'prom-client';
import { DEAD_LETTER_REASONS, type DeadLetterReason } from './judge-unstored.js';

/** What is stored and what cannot be, counted by whoever stores it. */
export class LedgerMetrics {
  readonly #stored: Counter;
  readonly #batch: Histogram;
  readonly #deadLetters: Counter<'reason'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#stored = new Counter({ name: 'stampede_orders_stored_total', help: 'Orders stored in Postgres', registers });
    this.#batch = new Histogram({
      name: 'stampede_persistence_batch_orders',
      help: 'Orders of one storing statement',
      buckets: [1, 4, 16, 64, 256, 1024, 4096],
      registers,
    });
    this.#deadLetters = new Counter({
      name: 'stampede_dead_letters_total',
      help: 'Stream entries that could not be stored, by reason',
      labelNames: ['reason'],
      registers,
    });
    // A counter that appears with its first letter rises from nothing, and no alert sees that.
    for (const reason of DEAD_LETTER_REASONS) this.#deadLetters.inc({ reason }, 0);
  }

  stored(orders: number): void {
    this.#stored.inc(orders);
    this.#batch.observe(orders);
  }

  deadLetter(reason: DeadLetterReason): void {
    this.#deadLetters.inc({ reason });
  }
}
