import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { CompensationModule } from './compensation/compensation.module.js';
import { ConfigModule, type Role } from './config/config.module.js';
import type { Settings } from './config/settings.js';
import { DeadLettersModule } from './dead-letters/dead-letters.module.js';
import { GuardModule } from './guard/guard.module.js';
import { IntakeModule } from './intake/intake.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { OrderStreamModule } from './order-stream/order-stream.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PersistenceModule } from './persistence/persistence.module.js';
import { LockModule } from './platform/lock/lock.module.js';
import { ObservabilityModule } from './platform/observability/observability.module.js';
import { PostgresModule } from './platform/postgres/postgres.module.js';
import { RedisModule } from './platform/redis/redis.module.js';
import { ReconciliationModule } from './reconciliation/reconciliation.module.js';
import { SalesModule } from './sales/sales.module.js';
import { StockModule } from './stock/stock.module.js';

/** What every process stands on. */
const GROUND = [
  PostgresModule,
  RedisModule,
  LockModule,
  ObservabilityModule,
  StockModule,
  OrderStreamModule,
  LedgerModule,
];

/** What answers HTTP, in the order of an order's journey. */
const API = [
  SalesModule.forApi(), // operator opens a sale   -> on record, and in its lanes
  IntakeModule, //         buyer asks              -> units taken, order on the stream
  OrdersModule, //         buyer looks             -> queued, pending, …
  DeadLettersModule, //    what could not be stored, for the operator
  GuardModule.forApi(), // operator asks for a rebuild
  ReconciliationModule.forApi(), // operator asks whether the books agree
];

/** What works behind it. */
const WORKER = [
  SalesModule.forWorker(), // sales on record      -> in their lanes
  PersistenceModule, //       stream               -> Postgres
  CompensationModule, //      finished unpaid      -> units back on sale
  GuardModule.forWorker(), // another or older Redis -> lane closed, armed again, or rebuilt
  ReconciliationModule.forWorker(), // compares Redis and Postgres; names every difference, mends what is proven
];

const STATIONS = { api: API, worker: WORKER, all: [...API, ...WORKER] };

@Module({})
export class AppModule {
  static of(settings: Settings, logger: Logger, role: Role): DynamicModule {
    return { module: AppModule, imports: [ConfigModule.of(settings, logger, role), ...GROUND, ...STATIONS[role]] };
  }
}
