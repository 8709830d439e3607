import { Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER } from '../config/config.module.js';
import { OrderChanges } from '../orders/order-changes.js';
import { Duties } from '../platform/lock/duty.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { ExpireUnpaidOrders } from './expire-unpaid-orders.js';

/** How late an order may expire. */
const LOOK_EVERY_MS = 500;

/** Unpaid for too long -> expired. */
@Module({
  providers: [
    {
      provide: 'expiry loops',
      inject: [LOGGER, pg.Pool, Duties, OrderChanges, Registry],
      useFactory: (logger: Logger, pool: pg.Pool, duties: Duties, changes: OrderChanges, registry: Registry) => {
        const expiry = new ExpireUnpaidOrders(pool, changes, registry);
        const runOnce = async () => (await duties.perform('expiry', (held) => expiry.runOnce(held))) ?? 0;
        return new BackgroundLoops([new PollingLoop({ name: 'expiry', runOnce, idle: LOOK_EVERY_MS, logger })]);
      },
    },
  ],
})
export class ExpiryModule {}
