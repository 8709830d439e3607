import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { Worker } from 'bullmq';
import type { Logger } from 'pino';
import { QUEUE_PREFIX, type QueueConnections } from './queue-connections.js';

export interface JobWorkerOptions {
  queue: string;
  /** Jobs in hand at once. */
  concurrency: number;
  /**
   * How long a worker may be silent before its jobs are taken over. One that lives says so every half of it; should it be blocked
   * for longer, its jobs run twice, which harms nobody. BullMQ's own 30 s would leave those who wait for a dead one for a minute.
   */
  claimAfterMs: number;
}

const BACK_OFF_MS_MIN = 250;
const BACK_OFF_MS_MAX = 10_000;

/** How soon a worker asks for jobs again after its Redis has failed; BullMQ's own 15 s would be felt after each restart. */
const RETRY_MS = 1_000;

/** A stop waits so long for the jobs in hand; beyond it they are left to whoever takes them over. */
const STOP_WITHIN_MS = 5_000;

/**
 * Works on the jobs of one queue as long as the application runs.
 *
 * Promises:  a stop waits for the jobs in hand, and stores are closed only afterwards.
 * Does not:  promise that a job runs once: one whose worker is silent for long runs again elsewhere.
 */
export class JobWorker<Data> implements OnApplicationBootstrap, OnModuleDestroy {
  #worker: Worker<Data, unknown> | undefined;
  #hasFailed = false;

  constructor(
    private readonly connections: QueueConnections,
    private readonly logger: Logger,
    private readonly options: JobWorkerOptions,
    private readonly work: (data: Data) => Promise<unknown>,
  ) {}

  onApplicationBootstrap(): void {
    const { queue, concurrency, claimAfterMs } = this.options;
    this.#worker = new Worker<Data, unknown>(queue, (job) => this.work(job.data), {
      connection: this.connections.consumer,
      prefix: QUEUE_PREFIX,
      concurrency,
      lockDuration: claimAfterMs,
      stalledInterval: claimAfterMs / 2,
      runRetryDelay: RETRY_MS,
      maxStalledCount: Number.MAX_SAFE_INTEGER, // that a worker died is not the fault of its jobs
      settings: { backoffStrategy: backOffMs },
    });
    this.#worker.on('error', (err) => this.logger.trace({ err, queue }, 'a worker met an error of its Redis'));
    this.#worker.on('failed', (_, err) => this.noteFailure(err));
    this.#worker.on('completed', () => this.noteSuccess());
  }

  async onModuleDestroy(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_WITHIN_MS)));
    await Promise.race([this.#worker?.close(), tooLong]);
    clearTimeout(timer);
  }

  /** Once, until a job succeeds: while a gateway is away every job fails. */
  private noteFailure(err: Error): void {
    const { queue } = this.options;
    if (!this.#hasFailed) this.logger.warn({ err, queue }, 'jobs fail; they are tried again');
    this.#hasFailed = true;
  }

  private noteSuccess(): void {
    if (this.#hasFailed) this.logger.info({ queue: this.options.queue }, 'jobs succeed again');
    this.#hasFailed = false;
  }
}

/** Half of it jitter: jobs that failed together do not come back together. @param attempts made so far. */
export function backOffMs(attempts: number): number {
  const ceiling = Math.min(BACK_OFF_MS_MIN * 2 ** Math.min(attempts, 10), BACK_OFF_MS_MAX);
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
