import type { Logger } from 'pino';

export interface PollingLoopOptions {
  /**
   * One bounded pass; returns how much it did, 0 when there was nothing to do. A long one looks at `stopping` between its
   * steps, and throws when it is aborted.
   */
  runOnce: (stopping: AbortSignal) => Promise<number>;
  /** What to do after a pass that found nothing: wait so many milliseconds, or until something happens. */
  idle: number | (() => Promise<void>);
  /** In log lines, such as `persistence of lane 0`. */
  name: string;
  logger: Logger;
}

const BACK_OFF_MS_MIN = 50;
const BACK_OFF_MS_MAX = 2_000;

/**
 * Calls `runOnce` until stopped: at once while there is work, after `idle` when there is none, and after a growing,
 * jittered wait while it fails. Says once that it fails, and once that it has recovered.
 */
export class PollingLoop {
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  #failures = 0;
  #wake: () => void = () => undefined;

  constructor(private readonly options: PollingLoopOptions) {}

  start(): void {
    this.#running ??= this.run();
  }

  /** Ends the present wait, so that the next pass starts now. */
  nudge(): void {
    this.#wake();
  }

  /** Resolves when the pass in hand is finished. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the process stops'));
    this.nudge();
    await this.#running;
  }

  private async run(): Promise<void> {
    while (!this.isStopping()) {
      try {
        const done = await this.options.runOnce(this.#stopping.signal);
        this.noteSuccess();
        if (done === 0 && !this.isStopping()) await this.idle();
      } catch (error) {
        if (this.isStopping() && error === this.#stopping.signal.reason) return;
        this.noteFailure(error);
        if (!this.isStopping()) await this.wait(this.backOffMs());
      }
    }
  }

  private isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  private idle(): Promise<void> {
    const { idle } = this.options;
    return typeof idle === 'number' ? this.wait(idle) : idle();
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Full jitter: processes that failed together do not come back together. */
  private backOffMs(): number {
    const ceiling = Math.min(BACK_OFF_MS_MIN * 2 ** Math.min(this.#failures, 10), BACK_OFF_MS_MAX);
    return ceiling / 2 + (Math.random() * ceiling) / 2;
  }

  private noteFailure(error: unknown): void {
    this.#failures += 1;
    if (this.#failures === 1) this.options.logger.warn({ err: error }, `${this.options.name} fails; trying again`);
  }

  private noteSuccess(): void {
    if (this.#failures > 0) {
      this.options.logger.info({ failures: this.#failures }, `${this.options.name} has recovered`);
    }
    this.#failures = 0;
  }
}
