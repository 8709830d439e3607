import { Gauge, type Registry } from 'prom-client';
import { isOpen, type LaneGate, type LaneInRedis } from '../stock/lane-gate.js';
import { baseOf } from '../stock/version.js';
import { DrainRate } from './drain-rate.js';
import type { OrderStreams } from './order-streams.js';

/** How far behind one lane is. */
export interface LaneProgress {
  isOpen: boolean;
  epoch: number;
  recorded: number;
  /** Decisions that Postgres has not recorded. */
  backlog: number;
  /** Decisions recorded in a second while there was enough to record. */
  perSecond: number;
}

/** Knows how far persistence is behind, as of the last look: for gauges, and for a buyer who asks how long. */
export class LaneWatch {
  readonly #progress = new Map<number, LaneProgress>();
  readonly #rates = new Map<number, DrainRate>();
  readonly #open: Gauge<'lane'>;
  readonly #epoch: Gauge<'lane'>;
  readonly #backlog: Gauge<'lane'>;
  readonly #age: Gauge<'lane'>;

  constructor(
    private readonly gate: LaneGate,
    private readonly streams: OrderStreams,
    registry: Registry,
  ) {
    const gauge = (name: string, help: string) =>
      new Gauge({ name, help, labelNames: ['lane'], registers: [registry] });
    this.#open = gauge('stampede_lane_open', '1 while the lane decides, 0 while it is closed');
    this.#epoch = gauge('stampede_lane_epoch', 'Epoch of the lane; each rebuild begins one');
    this.#backlog = gauge('stampede_backlog_decisions', 'Decisions of the lane that Postgres has not recorded');
    this.#age = gauge('stampede_backlog_age_seconds', 'Age of the oldest order that is not stored; 0 when all are');
  }

  /** One look at every lane. */
  async runOnce(): Promise<number> {
    for (const [lane, stream] of this.streams) {
      const [state, oldestMs] = await Promise.all([this.gate.read(lane), stream.oldestUnstoredMs()]);
      this.note(lane, state);
      this.#age.set({ lane }, oldestMs === undefined ? 0 : Math.max(0, (Date.now() - oldestMs) / 1000));
    }
    return 0;
  }

  /** Undefined before the first look. */
  progressOf(lane: number): LaneProgress | undefined {
    return this.#progress.get(lane);
  }

  private note(lane: number, state: LaneInRedis): void {
    const { epoch, recorded, version } = state;
    const backlog = Math.max(0, version - baseOf(epoch) - recorded);
    const rate = this.#rates.get(lane) ?? new DrainRate();
    this.#rates.set(lane, rate);
    const perSecond = rate.note({ atMs: performance.now(), epoch, recorded, backlog });
    this.#progress.set(lane, { isOpen: isOpen(state), epoch, recorded, backlog, perSecond });
    this.#open.set({ lane }, isOpen(state) ? 1 : 0);
    this.#epoch.set({ lane }, epoch);
    this.#backlog.set({ lane }, backlog);
  }
}
