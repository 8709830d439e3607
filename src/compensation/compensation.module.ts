import { Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { Counter, Registry } from 'prom-client';
import { LOGGER } from '../config/config.module.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { Stock } from '../stock/stock.js';
import { GiveBack } from './give-back.js';

/** How long units that are owed may lie still. A look at nothing is one read of an empty index. */
const LOOK_EVERY_MS = 500;

/** Finished unpaid -> units back on sale. */
@Module({
  providers: [
    {
      provide: 'compensation loops',
      inject: [LOGGER, pg.Pool, Stock, OrderStreams, Registry],
      useFactory: (logger: Logger, pool: pg.Pool, stock: Stock, streams: OrderStreams, registry: Registry) => {
        const help = 'Finished unpaid orders whose units are back on sale, and on record as such';
        const givenBack = new Counter({ name: 'stampede_orders_given_back_total', help, registers: [registry] });
        return new BackgroundLoops(
          [...streams].map(([lane, stream]) => {
            const giveBack = new GiveBack(lane, stock, stream, pool, logger);
            const runOnce = async () => {
              const orders = await giveBack.runOnce();
              givenBack.inc(orders);
              return orders;
            };
            return new PollingLoop({ name: `compensation of lane ${lane}`, runOnce, idle: LOOK_EVERY_MS, logger });
          }),
        );
      },
    },
  ],
})
export class CompensationModule {}
