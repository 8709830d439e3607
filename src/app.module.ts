import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { CompensationModule } from './compensation/compensation.module.js';
import { ConfigModule, type Role } from './config/config.module.js';
import type { Settings } from './config/settings.js';
import { DeadLettersModule } from './dead-letters/dead-letters.module.js';
import { ExpiryModule } from './expiry/expiry.module.js';
import { GuardModule } from './guard/guard.module.js';
import { IntakeModule } from './intake/intake.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { OrderStreamModule } from './order-stream/order-stream.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { OutboxModule } from './outbox/outbox.module.js';
import { ApiDocsModule } from './pages/api-docs/api-docs.module.js';
import { PagesModule } from './pages/pages.module.js';
import { PaymentModule } from './payment/payment.module.js';
import { PersistenceModule } from './persistence/persistence.module.js';
import { LockModule } from './platform/lock/lock.module.js';
import { ObservabilityModule } from './platform/observability/observability.module.js';
import { PostgresModule } from './platform/postgres/postgres.module.js';
import { RedisModule } from './platform/redis/redis.module.js';
import { ReconciliationModule } from './reconciliation/reconciliation.module.js';
import { RewardsModule } from './rewards/rewards.module.js';
import { SalesModule } from './sales/sales.module.js';
import { SettingsModule } from './settings/settings.module.js';
import { StockModule } from './stock/stock.module.js';

/** What every process stands on. */
const GROUND = [
  PostgresModule,
  RedisModule,
  LockModule,
  ObservabilityModule,
  SettingsModule,
  StockModule,
  OrderStreamModule,
  LedgerModule,
];

/** What answers HTTP, in the order of an order's journey. */
const API = [
  SalesModule.forApi(), // operator opens a sale   -> on record, and in its lanes
  IntakeModule, //         buyer asks              -> units taken, order on the stream
  OrdersModule, //         buyer looks, or cancels -> queued, pending, …
  PaymentModule.forApi(), // gateway tells         -> kept, to be settled
  RewardsModule.forApi(), // buyer looks           -> points
  OutboxModule.forApi(), // operator looks into the queues
  DeadLettersModule, //    what could not be stored, for the operator
  GuardModule.forApi(), // operator asks for a rebuild
  ReconciliationModule.forApi(), // operator asks whether the books agree
  SettingsModule.forApi(), // operator changes what may be changed while everything runs
  ApiDocsModule, //        anybody asks what all of these answer
  PagesModule, //          the same for people, in a browser
];

/** What works behind it, by the names under which a worker takes a part of it (`worker --stations …`). */
export const STATIONS = {
  sales: SalesModule.forWorker(), //     sales on record      -> in their lanes
  persistence: PersistenceModule, //     stream               -> Postgres + `order.reserved`
  outbox: OutboxModule.forWorker(), //   committed events     -> queues
  payment: PaymentModule.forWorker(), // `order.reserved`     -> a payment; what the gateway told -> paid, or refunded
  rewards: RewardsModule.forWorker(), // `order.paid`         -> points
  expiry: ExpiryModule, //               unpaid too long      -> expired
  compensation: CompensationModule, //   finished unpaid      -> units back on sale
  guard: GuardModule.forWorker(), //     another or older Redis -> lane closed, armed again, or rebuilt
  reconciliation: ReconciliationModule.forWorker(), // compares Redis, Postgres and the gateway; mends what is proven
};
export type Station = keyof typeof STATIONS;

@Module({})
export class AppModule {
  /** @param stations those of a worker; the API has none, and all of them run in `all`. */
  static of(settings: Settings, logger: Logger, { role, stations }: Assembly): DynamicModule {
    const api = role === 'worker' ? [] : API;
    const worker = role === 'api' ? [] : stations.map((station) => STATIONS[station]);
    return {
      module: AppModule,
      imports: [ConfigModule.of(settings, logger, role), ...GROUND, ...api, ...worker],
    };
  }
}

export interface Assembly {
  role: Role;
  stations: readonly Station[];
}
