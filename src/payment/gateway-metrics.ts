import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What is done at a gateway. */
export type GatewayOperation = 'ask' | 'refund' | 'charges';
/** What came of one attempt. */
export type GatewayOutcome = 'ok' | 'refused' | 'timeout' | 'failed';

/** Latency, time-outs and success of one gateway, attempt by attempt, and its circuit breaker in this process. */
export class GatewayMetrics {
  readonly #seconds: Histogram<'gateway' | 'operation' | 'outcome'>;
  readonly #breakerOpen: Gauge<'gateway'>;
  readonly #transitions: Counter<'gateway' | 'to'>;

  constructor(
    registry: Registry,
    private readonly gateway: string,
  ) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'stampede_gateway_seconds',
      help: 'Time that one attempt of a call of the gateway took, by what came of it',
      labelNames: ['gateway', 'operation', 'outcome'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#breakerOpen = new Gauge({
      name: 'stampede_gateway_breaker_open',
      help: '1 while this process does not call the gateway, for it has failed too often',
      labelNames: ['gateway'],
      registers,
    });
    this.#transitions = new Counter({
      name: 'stampede_gateway_breaker_transitions_total',
      help: 'How often the circuit breaker has opened and closed',
      labelNames: ['gateway', 'to'],
      registers,
    });
    this.#breakerOpen.set({ gateway }, 0);
    for (const to of ['open', 'closed']) this.#transitions.inc({ gateway, to }, 0); // or the first one goes unseen
  }

  attempt(operation: GatewayOperation, outcome: GatewayOutcome, seconds: number): void {
    this.#seconds.observe({ gateway: this.gateway, operation, outcome }, seconds);
  }

  breaker(to: 'open' | 'closed'): void {
    this.#breakerOpen.set({ gateway: this.gateway }, to === 'open' ? 1 : 0);
    this.#transitions.inc({ gateway: this.gateway, to });
  }
}
