import { type DynamicModule, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER } from '../config/config.module.js';
import { CatchUp } from '../ledger/catch-up.js';
import type { LaneLedger } from '../ledger/lane-ledger.js';
import { LaneLedgers } from '../ledger/lane-ledgers.js';
import { Duties } from '../platform/lock/duty.js';
import type { Held } from '../platform/lock/held.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { RuntimeSettings } from '../settings/runtime-settings.js';
import { LaneGate } from '../stock/lane-gate.js';
import { Stock } from '../stock/stock.js';
import { AuditController } from './audit.controller.js';
import { LaneRepair } from './lane-repair.js';
import { SaleAudit } from './sale-audit.js';
import { ScheduledAudits } from './scheduled-audits.js';

/** How often a lane is counted. What is missing twice is mended: well within the half minute that faults may last. */
const REPAIR_EVERY_MS = 5_000;
/** How often there may be sales that are due to be audited. */
const AUDIT_EVERY_MS = 10_000;

const saleAudit = {
  provide: SaleAudit,
  inject: [pg.Pool, Stock, LaneGate, OrderStreams, RuntimeSettings],
  useFactory: (pool: pg.Pool, stock: Stock, gate: LaneGate, streams: OrderStreams, settings: RuntimeSettings) =>
    new SaleAudit(pool, stock, gate, streams, {
      refundOverdueAfterSeconds: () => settings.current.REFUND_OVERDUE_AFTER_SECONDS,
    }),
};

@Module({})
export class ReconciliationModule {
  /** An operator asks whether the books agree. */
  static forApi(): DynamicModule {
    return { module: ReconciliationModule, controllers: [AuditController], providers: [saleAudit] };
  }

  /** Compares Redis and Postgres, names every difference, mends what is proven. */
  static forWorker(): DynamicModule {
    return {
      module: ReconcilingModule,
      providers: [
        saleAudit,
        {
          provide: ScheduledAudits,
          inject: [SaleAudit, pg.Pool, LOGGER, Registry, RuntimeSettings],
          useFactory: (
            audits: SaleAudit,
            pool: pg.Pool,
            logger: Logger,
            registry: Registry,
            settings: RuntimeSettings,
          ) =>
            new ScheduledAudits(audits, pool, logger, registry, {
              afterSeconds: () => settings.current.AUDIT_AFTER_SECONDS,
            }),
        },
        {
          provide: 'reconciliation loops',
          inject: [LOGGER, pg.Pool, Duties, ScheduledAudits, LaneGate, Stock, OrderStreams, LaneLedgers],
          useFactory: createLoops,
        },
      ],
    };
  }
}

@Module({})
class ReconcilingModule {}

function createLoops(
  logger: Logger,
  pool: pg.Pool,
  duties: Duties,
  audits: ScheduledAudits,
  gate: LaneGate,
  stock: Stock,
  streams: OrderStreams,
  ledgers: LaneLedgers,
): BackgroundLoops {
  const loop = (name: string, idle: number, work: (held: Held, goOn: () => void) => Promise<number>) => {
    const runOnce = async (stopping: AbortSignal) => {
      const done = await duties.perform(name, (held) =>
        work(held, () => {
          held.signal.throwIfAborted();
          stopping.throwIfAborted();
        }),
      );
      return done ?? 0;
    };
    return new PollingLoop({ name, runOnce, idle, logger });
  };
  const repairs = [...streams].map(([lane, stream]) => {
    const catchUp = new CatchUp(lane, stock, ledgers.get(lane) as LaneLedger, pool);
    const repair = new LaneRepair({ number: lane, gate, stream }, catchUp, pool, logger);
    return loop(`repair of lane ${lane}`, REPAIR_EVERY_MS, (held, goOn) => repair.runOnce(held, goOn));
  });
  return new BackgroundLoops([
    ...repairs,
    loop('audit of sales', AUDIT_EVERY_MS, (held, goOn) => audits.runOnce(held, goOn)),
  ]);
}
