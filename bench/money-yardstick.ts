import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUE_PREFIX } from '../src/platform/queue/queue-connections.js';
import { connectRedis } from '../src/platform/redis/connect.js';
import { cpuUs } from './cpu.js';
import type { EmptyJobsOrder, EmptyJobsResult } from './money-empty-jobs.js';

/** As many as the relay hands over at once. */
const BATCH = 500;
const QUEUE = 'empty';

export interface EmptyJobs {
  perSecond: number;
  addedPerSecond: number;
  /** For each job; that of Redis holds the adding as well. */
  us: { worker: number; queueRedis: number };
}

/** What BullMQ can do by itself: jobs of the size of ours, in the same Redis, done by one process, and doing nothing. */
export class QueueYardstick {
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #worker: ChildProcess;
  #added = 0;

  constructor(private readonly store: { url: string; pid: number }) {
    this.#redis = connectRedis(store.url, { name: 'bench', onError: (error) => console.error(error.message) });
    this.#queue = new Queue(QUEUE, { connection: this.#redis, prefix: QUEUE_PREFIX });
    this.#worker = fork(new URL('./money-empty-jobs.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  }

  async measure(jobs: number, concurrency: number): Promise<EmptyJobs> {
    const workerPid = this.#worker.pid ?? 0;
    const redisBefore = cpuUs(this.store.pid);
    const startedAt = performance.now();
    for (let added = 0; added < jobs; added += BATCH) await this.add(Math.min(BATCH, jobs - added));
    const addedPerSecond = (jobs * 1000) / (performance.now() - startedAt);
    const workerBefore = cpuUs(workerPid);
    const order = { redisUrl: this.store.url, queue: QUEUE, prefix: QUEUE_PREFIX, concurrency, jobs };
    this.#worker.send(order satisfies EmptyJobsOrder);
    const [{ ms }] = (await once(this.#worker, 'message')) as [EmptyJobsResult];
    return {
      perSecond: (jobs * 1000) / ms,
      addedPerSecond,
      us: {
        worker: (cpuUs(workerPid) - workerBefore) / jobs,
        queueRedis: (cpuUs(this.store.pid) - redisBefore) / jobs,
      },
    };
  }

  async close(): Promise<void> {
    this.#worker.disconnect();
    await this.#queue.close();
    this.#redis.disconnect();
  }

  /** With the data and the options that the relay gives. */
  private async add(count: number): Promise<void> {
    const jobs = Array.from({ length: count }, () => ({
      name: 'nothing',
      data: { eventId: (this.#added += 1), saleId: randomUUID(), orderId: randomUUID() },
      opts: { removeOnComplete: true, removeOnFail: true, attempts: 20, backoff: { type: 'custom' } },
    }));
    await this.#queue.addBulk(
      jobs.map((job) => ({ ...job, opts: { ...job.opts, jobId: `event-${job.data.eventId}` } })),
    );
  }
}
