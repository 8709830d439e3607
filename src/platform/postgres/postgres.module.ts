import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { LOGGER, ROLE, type Role, SETTINGS } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.js';
import { createPool } from './pool.js';
import { createPrisma, PrismaClient } from './prisma.js';

/** One pool for the whole process, and Prisma's client on it. */
@Global()
@Module({
  providers: [
    {
      provide: pg.Pool,
      inject: [SETTINGS, LOGGER, ROLE],
      useFactory: (settings: Settings, logger: Logger, role: Role) =>
        createPool(
          {
            url: settings.DATABASE_URL,
            applicationName: `stampede-${role}`,
            connectionsMax: settings.POSTGRES_CONNECTIONS_MAX,
            statementTimeoutMs: settings.STATEMENT_TIMEOUT_MS,
          },
          (err) => logger.warn({ err }, 'an idle connection to Postgres broke'),
        ),
    },
    { provide: PrismaClient, inject: [pg.Pool], useFactory: createPrisma },
  ],
  exports: [pg.Pool, PrismaClient],
})
export class PostgresModule implements OnApplicationShutdown {
  constructor(private readonly pool: pg.Pool) {}

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
