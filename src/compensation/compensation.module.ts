import { Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
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
      inject: [LOGGER, pg.Pool, Stock, OrderStreams],
      useFactory: (logger: Logger, pool: pg.Pool, stock: Stock, streams: OrderStreams) =>
        new BackgroundLoops(
          [...streams].map(([lane, stream]) => {
            const giveBack = new GiveBack(lane, stock, stream, pool, logger);
            return new PollingLoop({
              name: `compensation of lane ${lane}`,
              runOnce: () => giveBack.runOnce(),
              idle: LOOK_EVERY_MS,
              logger,
            });
          }),
        ),
    },
  ],
})
export class CompensationModule {}
