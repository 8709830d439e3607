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
 * How long a duty stays undone when its holder dies: with somebody who looks every second it is taken up again within
 * four, inside the five seconds in which everything is to recover. Long against a pause of a store (0.8 s until Redis
 * counts as silent), which must not cost the duty.
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
