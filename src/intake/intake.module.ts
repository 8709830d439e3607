import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { OrdersModule } from '../orders/orders.module.js';
import { SaleTermsReader } from '../orders/sale-terms.js';
import { Stock } from '../stock/stock.js';
import { IntakeMetrics } from './intake-metrics.js';
import { PlaceOrder } from './place-order.js';
import { ReserveBatcher } from './reserve-batcher.js';

/** Buyer asks -> units taken, order on the stream. */
@Module({
  imports: [OrdersModule],
  providers: [
    { provide: IntakeMetrics, inject: [Registry], useFactory: (registry: Registry) => new IntakeMetrics(registry) },
    {
      provide: ReserveBatcher,
      inject: [Stock, IntakeMetrics, SETTINGS],
      useFactory: (stock: Stock, metrics: IntakeMetrics, settings: Settings) =>
        new ReserveBatcher(stock, metrics, settings.INTAKE_BATCH_MAX),
    },
    {
      provide: PlaceOrder,
      inject: [ReserveBatcher, SaleTermsReader, IntakeMetrics, SETTINGS, LOGGER],
      useFactory: (
        batcher: ReserveBatcher,
        terms: SaleTermsReader,
        metrics: IntakeMetrics,
        settings: Settings,
        logger: Logger,
      ) => new PlaceOrder(batcher, terms, metrics, settings.STOCK_LANES, logger),
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
