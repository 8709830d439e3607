import { Global, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import { LaneGate } from '../stock/lane-gate.js';
import { LaneWatch } from './lane-watch.js';
import { OrderStream } from './order-stream.js';
import { OrderStreams } from './order-streams.js';

const LOOK_EVERY_MS = 1_000;

@Global()
@Module({
  providers: [
    {
      provide: OrderStreams,
      inject: [SETTINGS, RedisConnections],
      useFactory: ({ STOCK_LANES }: Settings, { commands }: RedisConnections) =>
        new OrderStreams(Array.from({ length: STOCK_LANES }, (_, lane) => [lane, new OrderStream(lane, commands)])),
    },
    {
      provide: LaneWatch,
      inject: [LaneGate, OrderStreams, Registry],
      useFactory: (gate: LaneGate, streams: OrderStreams, registry: Registry) => new LaneWatch(gate, streams, registry),
    },
    {
      provide: 'lane watch loops',
      inject: [LaneWatch, LOGGER],
      useFactory: (watch: LaneWatch, logger: Logger) =>
        new BackgroundLoops([
          new PollingLoop({ name: 'lane watch', runOnce: () => watch.runOnce(), idle: LOOK_EVERY_MS, logger }),
        ]),
    },
  ],
  exports: [OrderStreams, LaneWatch],
})
export class OrderStreamModule {}
