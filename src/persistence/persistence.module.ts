import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import type { LaneLedger } from '../ledger/lane-ledger.js';
import { LaneLedgers } from '../ledger/lane-ledgers.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import type { OrderStream } from '../order-stream/order-stream.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { RuntimeSettings } from '../settings/runtime-settings.js';
import { LanePersistence } from './lane-persistence.js';

const TRIM_EVERY_MS = 5_000;

/** Stream -> Postgres, one loop for each lane. */
@Module({
  providers: [
    {
      provide: 'persistence loops',
      inject: [SETTINGS, RuntimeSettings, LOGGER, RedisConnections, OrderStreams, LaneLedgers],
      useFactory: createLoops,
    },
  ],
})
export class PersistenceModule {}

function createLoops(
  settings: Settings,
  runtime: RuntimeSettings,
  logger: Logger,
  redis: RedisConnections,
  streams: OrderStreams,
  ledgers: LaneLedgers,
): BackgroundLoops {
  const options = {
    consumer: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    batchMax: () => runtime.current.PERSIST_BATCH_MAX,
    staleAfterMs: settings.PERSIST_CLAIM_AFTER_MS,
  };
  const store = (lane: number, stream: OrderStream) => {
    const persistence = new LanePersistence(options, stream, ledgers.get(lane) as LaneLedger);
    const blocking = redis.openBlocking(`lane-${lane}`);
    const idle = () => persistence.waitForMore(blocking);
    return new PollingLoop({ name: `persistence of lane ${lane}`, runOnce: () => persistence.runOnce(), idle, logger });
  };
  const trim = (lane: number, stream: OrderStream) =>
    new PollingLoop({ name: `trimming of lane ${lane}`, runOnce: () => stream.trim(), idle: TRIM_EVERY_MS, logger });
  return new BackgroundLoops([...streams].flatMap(([lane, stream]) => [store(lane, stream), trim(lane, stream)]));
}
