import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { type DynamicModule, Module } from '@nestjs/common';
import type { Queue } from 'bullmq';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { QueueModule } from '../platform/queue/queue.module.js';
import { type Consumer, CONSUMERS } from './append-event.js';
import { type EventJob, queueOf } from './event-job.js';
import { OutboxMetrics } from './outbox-metrics.js';
import { OutboxRelay } from './outbox-relay.js';
import { QueueBoard } from './queue-board.js';

/** How soon a new event is seen. A look at nothing is one statement and one call of Redis for each queue. */
const LOOK_EVERY_MS = 100;

const ALL: Consumer[] = [...new Set(Object.values(CONSUMERS).flat())];
const QUEUES = BullModule.registerQueue(...ALL.map((consumer) => ({ name: queueOf(consumer) })));
const TOKENS = ALL.map((consumer) => getQueueToken(queueOf(consumer)));

/** Committed events -> the queues of their consumers. */
@Module({})
export class OutboxModule {
  /** The operator's view of the queues. */
  static forApi(): DynamicModule {
    return {
      module: QueueBoardModule,
      imports: [QueueModule, QUEUES],
      providers: [{ provide: 'queues', inject: TOKENS, useFactory: (...queues: Queue[]) => queues }, QueueBoard],
    };
  }

  static forWorker(): DynamicModule {
    return {
      module: OutboxModule,
      imports: [QueueModule, QUEUES],
      providers: [
        {
          provide: 'outbox loops',
          inject: [SETTINGS, LOGGER, pg.Pool, Registry, ...TOKENS],
          useFactory: createLoops,
        },
      ],
    };
  }
}

@Module({})
class QueueBoardModule {}

function createLoops(
  settings: Settings,
  logger: Logger,
  pool: pg.Pool,
  registry: Registry,
  ...queues: Queue<EventJob>[]
): BackgroundLoops {
  const byConsumer = new Map(ALL.map((consumer, index) => [consumer, queues[index] as Queue<EventJob>]));
  // Unheard, an error of its connection would end the process; the connection tells it to the log itself.
  for (const queue of queues) queue.on('error', () => undefined);
  const metrics = new OutboxMetrics(registry, pool, ALL);
  const relay = new OutboxRelay(pool, byConsumer, metrics, { leaseSeconds: settings.OUTBOX_LEASE_SECONDS });
  return new BackgroundLoops([
    new PollingLoop({ name: 'outbox relay', runOnce: () => relay.runOnce(), idle: LOOK_EVERY_MS, logger }),
  ]);
}
