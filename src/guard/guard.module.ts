import { type DynamicModule, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER } from '../config/config.module.js';
import { CatchUp } from '../ledger/catch-up.js';
import type { LaneLedger } from '../ledger/lane-ledger.js';
import { LaneLedgers } from '../ledger/lane-ledgers.js';
import { Leases } from '../platform/lock/lease.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { LaneGate } from '../stock/lane-gate.js';
import { LaneWriter } from '../stock/lane-writer.js';
import { Stock } from '../stock/stock.js';
import { GuardMetrics } from './guard-metrics.js';
import { LaneDrain } from './lane-drain.js';
import { LaneGuard } from './lane-guard.js';
import { LaneRebuild } from './lane-rebuild.js';
import { LaneSnapshot } from './lane-snapshot.js';
import { RebuildController } from './rebuild.controller.js';
import { RebuildDesk } from './rebuild-desk.js';

/** How long a lane may be closed before anybody looks. A look at a healthy lane is two short reads of each store. */
const LOOK_EVERY_MS = 500;

@Module({})
export class GuardModule {
  /** An operator asks for a rebuild. */
  static forApi(): DynamicModule {
    return {
      module: GuardModule,
      controllers: [RebuildController],
      providers: [{ provide: RebuildDesk, inject: [pg.Pool], useFactory: (pool: pg.Pool) => new RebuildDesk(pool) }],
    };
  }

  /** Another or older Redis -> lane closed, armed again, or rebuilt. Looks at once when Redis has come back. */
  static forWorker(): DynamicModule {
    return {
      module: GuardingModule,
      providers: [
        {
          provide: 'guard loops',
          inject: [LOGGER, pg.Pool, RedisConnections, OrderStreams, LaneLedgers, LaneGate, Stock, Leases, Registry],
          useFactory: createLoops,
        },
      ],
    };
  }
}

@Module({})
class GuardingModule {}

function createLoops(
  logger: Logger,
  pool: pg.Pool,
  redis: RedisConnections,
  streams: OrderStreams,
  ledgers: LaneLedgers,
  gate: LaneGate,
  stock: Stock,
  leases: Leases,
  registry: Registry,
): BackgroundLoops {
  const lanes = [...streams].map(([lane]) => lane);
  const metrics = new GuardMetrics(registry, lanes);
  const snapshot = new LaneSnapshot(pool, new LaneWriter(redis.commands), logger);
  const loops = [...streams].map(([lane, stream]) => {
    const ledger = ledgers.get(lane) as LaneLedger;
    const drain = new LaneDrain(stream, ledger, new CatchUp(lane, stock, ledger, pool), stock, pool);
    const rebuild = new LaneRebuild(lane, gate, pool, { drain, snapshot }, metrics, logger);
    const guard = new LaneGuard({ lane, gate, stock, stream }, rebuild, leases, pool, logger);
    const runOnce = (stopping: AbortSignal) => guard.runOnce(stopping);
    return new PollingLoop({ name: `guard of lane ${lane}`, runOnce, idle: LOOK_EVERY_MS, logger });
  });
  redis.commands.on('ready', () => loops.forEach((loop) => loop.nudge()));
  return new BackgroundLoops(loops);
}
