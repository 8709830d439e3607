import { Global, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER } from '../config/config.module.js';
import { OrderChanges } from '../orders/order-changes.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import { LaneLedger } from './lane-ledger.js';
import { LaneLedgers } from './lane-ledgers.js';
import { LedgerMetrics } from './ledger-metrics.js';

@Global()
@Module({
  providers: [
    {
      provide: OrderChanges,
      inject: [RedisConnections],
      useFactory: ({ commands }: RedisConnections) => new OrderChanges(commands),
    },
    {
      provide: LaneLedgers,
      inject: [OrderStreams, pg.Pool, OrderChanges, Registry, LOGGER],
      useFactory: (streams: OrderStreams, pool: pg.Pool, changes: OrderChanges, registry: Registry, logger: Logger) => {
        const metrics = new LedgerMetrics(registry);
        return new LaneLedgers(
          [...streams].map(([lane, stream]) => [lane, new LaneLedger(lane, stream, pool, changes, metrics, logger)]),
        );
      },
    },
  ],
  exports: [LaneLedgers, OrderChanges],
})
export class LedgerModule {}
