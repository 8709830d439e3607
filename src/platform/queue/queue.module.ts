import { BullModule } from '@nestjs/bullmq';
import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOGGER, ROLE, type Role, SETTINGS } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.js';
import { QUEUE_PREFIX, QueueConnections } from './queue-connections.js';

/** The Redis of BullMQ, which is not that of the stock: what it loses is handed over again from the outbox. */
@Global()
@Module({
  providers: [
    {
      provide: QueueConnections,
      inject: [SETTINGS, LOGGER, ROLE],
      useFactory: (settings: Settings, logger: Logger, role: Role) =>
        new QueueConnections(settings.QUEUE_REDIS_URL ?? settings.REDIS_URL, `stampede-${role}`, logger),
    },
  ],
  exports: [QueueConnections],
})
class QueueConnectionsModule implements OnApplicationShutdown {
  constructor(private readonly connections: QueueConnections) {}

  onApplicationShutdown(): void {
    this.connections.close();
  }
}

@Module({
  imports: [
    QueueConnectionsModule,
    BullModule.forRootAsync({
      inject: [QueueConnections],
      useFactory: ({ producer }: QueueConnections) => ({ connection: producer, prefix: QUEUE_PREFIX }),
    }),
  ],
})
export class QueueModule {}
