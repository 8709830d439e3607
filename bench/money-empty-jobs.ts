import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

/** The end of the yardstick that works: a worker of BullMQ whose jobs do nothing. Runs as a process of its own (fork). */
export interface EmptyJobsOrder {
  redisUrl: string;
  queue: string;
  prefix: string;
  concurrency: number;
  jobs: number;
}

export interface EmptyJobsResult {
  /** From the first job that was done to the last. */
  ms: number;
}

process.on('message', (order: EmptyJobsOrder) => void workOff(order).then((result) => process.send?.(result)));
process.once('disconnect', () => process.exit(0));

async function workOff({ redisUrl, queue, prefix, concurrency, jobs }: EmptyJobsOrder): Promise<EmptyJobsResult> {
  const connection = new Redis(redisUrl, { protocol: 2, maxRetriesPerRequest: null });
  let done = 0;
  let firstAtMs = 0;
  const worker = new Worker(queue, () => Promise.resolve(), { connection, prefix, concurrency });
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('completed', () => {
      done += 1;
      if (done === 1) firstAtMs = performance.now();
      if (done === jobs) resolve();
    });
  });
  const ms = performance.now() - firstAtMs;
  await worker.close();
  connection.disconnect();
  return { ms };
}
