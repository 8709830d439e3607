import { Counter, type Registry } from 'prom-client';
import { OUTCOMES, type WebhookOutcome } from './judge-webhook.js';

export class WebhookMetrics {
  readonly #settled: Counter<'outcome'>;

  constructor(registry: Registry) {
    this.#settled = new Counter({
      name: 'stampede_webhooks_total',
      help: 'Webhooks of the gateway, by what became of them',
      labelNames: ['outcome'],
      registers: [registry],
    });
    for (const outcome of OUTCOMES) this.#settled.inc({ outcome }, 0);
  }

  settled(outcome: WebhookOutcome): void {
    this.#settled.inc({ outcome });
  }
}
