import { Counter, Gauge, type Registry } from 'prom-client';

export class GuardMetrics {
  readonly #step: Gauge<'lane'>;
  readonly #rebuilds: Counter<'lane'>;
  readonly #lost: Counter<'lane'>;

  constructor(registry: Registry, lanes: readonly number[]) {
    const common = { labelNames: ['lane'] as const, registers: [registry] };
    this.#step = new Gauge({
      name: 'stampede_rebuild_step',
      help: 'Step of the rebuild that this process carries out, 1 to 6; 0 when there is none',
      ...common,
    });
    this.#rebuilds = new Counter({ name: 'stampede_rebuilds_total', help: 'Lanes rebuilt and opened', ...common });
    this.#lost = new Counter({
      name: 'stampede_lost_decisions_total',
      help: 'Decisions that buyers were told of and a rebuild found nowhere',
      ...common,
    });
    for (const lane of lanes) {
      this.step(lane, 0);
      this.#rebuilds.inc({ lane }, 0); // from the start: no alert sees a counter that rises from nothing
      this.#lost.inc({ lane }, 0);
    }
  }

  step(lane: number, step: 0 | 1 | 2 | 3 | 4 | 5 | 6): void {
    this.#step.set({ lane }, step);
  }

  rebuilt(lane: number): void {
    this.#rebuilds.inc({ lane });
  }

  lost(lane: number, decisions: number): void {
    this.#lost.inc({ lane }, decisions);
  }
}
