import { type DynamicModule, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { type EventJob, queueOf } from '../outbox/event-job.js';
import { JobWorker } from '../platform/queue/job-worker.js';
import { QueueConnections } from '../platform/queue/queue-connections.js';
import { QueueModule } from '../platform/queue/queue.module.js';
import { GrantPoints } from './grant-points.js';
import { RewardsController } from './rewards.controller.js';

/** As many as one statement is to grant. */
const JOBS_AT_ONCE = 200;

/** `order.paid` -> points. */
@Module({})
export class RewardsModule {
  static forApi(): DynamicModule {
    return { module: RewardsReadingModule, controllers: [RewardsController] };
  }

  static forWorker(): DynamicModule {
    return {
      module: RewardsModule,
      imports: [QueueModule],
      providers: [
        {
          provide: 'rewards worker',
          inject: [QueueConnections, SETTINGS, LOGGER, pg.Pool],
          useFactory: (connections: QueueConnections, settings: Settings, logger: Logger, pool: pg.Pool) => {
            const points = new GrantPoints(pool);
            const claimAfterMs = settings.QUEUE_CLAIM_AFTER_MS;
            const options = { queue: queueOf('rewards'), concurrency: JOBS_AT_ONCE, claimAfterMs };
            return new JobWorker<EventJob>(connections, logger, options, (event) => points.run(event));
          },
        },
      ],
    };
  }
}

@Module({})
class RewardsReadingModule {}
