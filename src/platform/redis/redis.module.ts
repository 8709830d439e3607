import { Global, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOGGER, ROLE, type Role, SETTINGS } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.js';
import { RedisConnections } from './redis-connections.js';

@Global()
@Module({
  providers: [
    {
      provide: RedisConnections,
      inject: [SETTINGS, LOGGER, ROLE],
      useFactory: (settings: Settings, logger: Logger, role: Role) =>
        new RedisConnections(settings.REDIS_URL, `stampede-${role}`, logger),
    },
  ],
  exports: [RedisConnections],
})
export class RedisModule implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly connections: RedisConnections) {}

  async onModuleInit(): Promise<void> {
    await this.connections.ready();
  }

  onApplicationShutdown(): void {
    this.connections.close();
  }
}
