import { Queue } from 'bullmq';
import { Registry } from 'prom-client';
import { type Consumer, CONSUMERS } from '../../src/outbox/append-event.js';
import { type EventJob, queueOf } from '../../src/outbox/event-job.js';
import { OutboxMetrics } from '../../src/outbox/outbox-metrics.js';
import { OutboxRelay } from '../../src/outbox/outbox-relay.js';
import { JobWorker } from '../../src/platform/queue/job-worker.js';
import { QUEUE_PREFIX, QueueConnections } from '../../src/platform/queue/queue-connections.js';
import { silent } from './lane-parts.js';
import type { MoneyCorner } from './money-corner.js';
import { OwnRedis } from './own-redis.js';

const ALL: Consumer[] = Object.values(CONSUMERS).flat();

/** The queues of a spec, on a Redis of their own, and who fills and empties them. */
export class QueuesInACorner {
  readonly connections: QueueConnections;
  readonly queues: ReadonlyMap<Consumer, Queue<EventJob>>;
  readonly #workers: JobWorker<EventJob>[] = [];

  private constructor(readonly redis: OwnRedis) {
    this.connections = new QueueConnections(redis.url, 'test', silent);
    const options = { connection: this.connections.producer, prefix: QUEUE_PREFIX };
    this.queues = new Map(ALL.map((consumer) => [consumer, new Queue<EventJob>(queueOf(consumer), options)]));
    for (const queue of this.queues.values()) queue.on('error', () => undefined);
  }

  static async open(): Promise<QueuesInACorner> {
    const queues = new QueuesInACorner(await OwnRedis.start());
    await Promise.all([...queues.queues.values()].map((queue) => queue.waitUntilReady()));
    return queues;
  }

  async close(): Promise<void> {
    await this.stopWorkers();
    this.connections.close();
    await this.redis.stop();
  }

  relay({ corner }: MoneyCorner, { leaseSeconds = 30 } = {}): OutboxRelay {
    const metrics = new OutboxMetrics(new Registry(), corner.pool, ALL);
    return new OutboxRelay(corner.pool, this.queues, metrics, { leaseSeconds });
  }

  /** Works until `stopWorkers`. */
  work(consumer: Consumer, run: (event: EventJob) => Promise<unknown>): void {
    const options = { queue: queueOf(consumer), concurrency: 20, claimAfterMs: 5_000 };
    const worker = new JobWorker<EventJob>(this.connections, silent, options, run);
    worker.onApplicationBootstrap();
    this.#workers.push(worker);
  }

  async stopWorkers(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.onModuleDestroy()));
  }

  async waiting(consumer: Consumer): Promise<number> {
    return (await this.queues.get(consumer)?.getJobCountByTypes('waiting', 'active', 'delayed')) ?? 0;
  }

  /** As a Redis does that has lost everything. */
  async wipe(): Promise<void> {
    await this.connections.producer.flushall();
  }
}
