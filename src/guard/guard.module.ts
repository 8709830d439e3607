import { Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { LOGGER } from '../config/config.module.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { LaneGate } from '../stock/lane-gate.js';
import { Stock } from '../stock/stock.js';
import { LaneGuard } from './lane-guard.js';

const LOOK_EVERY_MS = 1_000;

/** Another or older Redis -> lane closed, or armed again. Looks every second, and at once when Redis has come back. */
@Module({
  providers: [
    {
      provide: 'guard loops',
      inject: [LOGGER, pg.Pool, RedisConnections, OrderStreams, LaneGate, Stock],
      useFactory: createLoops,
    },
  ],
})
export class GuardModule {}

function createLoops(
  logger: Logger,
  pool: pg.Pool,
  redis: RedisConnections,
  streams: OrderStreams,
  gate: LaneGate,
  stock: Stock,
): BackgroundLoops {
  const loops = [...streams.keys()].map((lane) => {
    const guard = new LaneGuard(lane, gate, stock, pool, logger);
    const loop = new PollingLoop({
      name: `guard of lane ${lane}`,
      runOnce: () => guard.runOnce(),
      idle: LOOK_EVERY_MS,
      logger,
    });
    return loop;
  });
  redis.commands.on('ready', () => loops.forEach((loop) => loop.nudge()));
  return new BackgroundLoops(loops);
}
