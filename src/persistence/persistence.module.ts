import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import type { OrderStream } from '../order-stream/order-stream.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { LanePersistence } from './lane-persistence.js';
import { PersistenceMetrics } from './persistence-metrics.js';

const TRIM_EVERY_MS = 5_000;

/** Stream -> Postgres, one loop for each lane. */
@Module({
  providers: [
    {
      provide: PersistenceMetrics,
      inject: [Registry],
      useFactory: (registry: Registry) => new PersistenceMetrics(registry),
    },
    {
      provide: 'persistence loops',
      inject: [SETTINGS, LOGGER, pg.Pool, RedisConnections, OrderStreams, PersistenceMetrics],
      useFactory: createLoops,
    },
  ],
})
export class PersistenceModule {}

function createLoops(
  settings: Settings,
  logger: Logger,
  pool: pg.Pool,
  redis: RedisConnections,
  streams: OrderStreams,
  metrics: PersistenceMetrics,
): BackgroundLoops {
  const consumer = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const store = (lane: number, stream: OrderStream) => {
    const options = {
      lane,
      consumer,
      batchMax: settings.PERSIST_BATCH_MAX,
      staleAfterMs: settings.PERSIST_CLAIM_AFTER_MS,
    };
    const persistence = new LanePersistence(options, stream, pool, metrics, logger);
    const blocking = redis.openBlocking(`lane-${lane}`);
    const idle = () => persistence.waitForMore(blocking);
    return new PollingLoop({ name: `persistence of lane ${lane}`, runOnce: () => persistence.runOnce(), idle, logger });
  };
  const trim = (lane: number, stream: OrderStream) =>
    new PollingLoop({ name: `trimming of lane ${lane}`, runOnce: () => stream.trim(), idle: TRIM_EVERY_MS, logger });
  return new BackgroundLoops([...streams].flatMap(([lane, stream]) => [store(lane, stream), trim(lane, stream)]));
}
