import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Global, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { LOGGER } from '../../config/config.module.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { Duties } from './duty.js';
import { Leases } from './lease.js';

/**
 * How long a duty stays undone when its holder dies. With a holder that looks every second another has it within four,
 * inside the five seconds in which everything is to recover; and an extension, which is asked for every second, may
 * fail twice.
 */
const TTL_MS = 3_000;

/** Unlike a process id alone, never used again, also not by the next container of the same name. */
const holder = () => `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;

/** Who does what must not be done twice at the same time. */
@Global()
@Module({
  providers: [
    {
      provide: Leases,
      inject: [pg.Pool],
      useFactory: (pool: pg.Pool) => new Leases(pool, holder(), { ttlMs: TTL_MS }),
    },
    {
      provide: Duties,
      inject: [RedisConnections, Leases, LOGGER],
      useFactory: (redis: RedisConnections, leases: Leases, logger: Logger) =>
        new Duties(redis.commands, leases, logger, { ttlMs: TTL_MS }),
    },
  ],
  exports: [Leases, Duties],
})
export class LockModule {}
