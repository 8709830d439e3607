import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { OrdersModule } from '../orders/orders.module.js';
import { SaleTermsReader } from '../orders/sale-terms.js';
import { RuntimeSettings } from '../settings/runtime-settings.js';
import { Stock } from '../stock/stock.js';
import { LaneWatch } from '../order-stream/lane-watch.js';
import { BacklogLimit } from './backlog-limit.js';
import { IntakeMetrics } from './intake-metrics.js';
import { PlaceOrder } from './place-order.js';
import { ReserveBatcher } from './reserve-batcher.js';
import { SealedOrders } from './sealed-orders.js';

/** Buyer asks -> units taken, order on the stream. */
@Module({
  imports: [OrdersModule],
  providers: [
    { provide: IntakeMetrics, inject: [Registry], useFactory: (registry: Registry) => new IntakeMetrics(registry) },
    {
      provide: BacklogLimit,
      inject: [LaneWatch, RuntimeSettings],
      useFactory: (watch: LaneWatch, settings: RuntimeSettings) =>
        new BacklogLimit(watch, () => {
          const { BACKLOG_WAIT_SECONDS_MAX: waitSecondsMax, BACKLOG_ORDERS_MAX: ordersMax } = settings.current;
          return { waitSecondsMax, ordersMax };
        }),
    },
    {
      provide: PlaceOrder,
      inject: [Stock, pg.Pool, BacklogLimit, SaleTermsReader, IntakeMetrics, SETTINGS, LOGGER],
      useFactory: (
        stock: Stock,
        pool: pg.Pool,
        backlog: BacklogLimit,
        terms: SaleTermsReader,
        metrics: IntakeMetrics,
        settings: Settings,
        logger: Logger,
      ) => {
        const limits = { batchMax: settings.INTAKE_BATCH_MAX, queueMax: settings.INTAKE_QUEUE_MAX };
        const batcher = new ReserveBatcher(stock, backlog, metrics, limits);
        const deciding = { batcher, backlog, sealed: new SealedOrders(pool) };
        return new PlaceOrder(deciding, terms, metrics, settings.STOCK_LANES, logger);
      },
    },
  ],
})
export class IntakeModule implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly placeOrder: PlaceOrder,
  ) {}

  onModuleInit(): void {
    this.placeOrder.register(this.host.httpAdapter.getInstance<FastifyInstance>());
  }
}
