import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import pg from 'pg';
import type { Logger } from 'pino';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { LaneWatch } from '../order-stream/lane-watch.js';
import type { HttpAdapter } from '../platform/http/http-adapter.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import { RuntimeSettings } from '../settings/runtime-settings.js';
import { Stock } from '../stock/stock.js';
import { CancelOrder } from './cancel-order.js';
import { EventSlots } from './event-slots.js';
import { OrderChanges } from './order-changes.js';
import { OrderEvents } from './order-events.js';
import { OrderEventsRoute } from './order-events-route.js';
import { OrderReader } from './order-reader.js';
import { OrdersController } from './orders.controller.js';
import { SaleTermsReader } from './sale-terms.js';

/** With its own time, what a hint missed is shown within 5 s. */
const SWEEP_EVERY_MS = 4_000;

/** What an operator changes is known everywhere after twice this. */
const TERMS_EVERY_MS = 500;

const HEARTBEAT_MS = 15_000;

@Module({
  controllers: [OrdersController],
  providers: [
    { provide: SaleTermsReader, inject: [pg.Pool], useFactory: (pool: pg.Pool) => new SaleTermsReader(pool) },
    {
      provide: OrderReader,
      inject: [pg.Pool, Stock, SaleTermsReader, LaneWatch, SETTINGS],
      useFactory: (pool: pg.Pool, stock: Stock, terms: SaleTermsReader, watch: LaneWatch, settings: Settings) =>
        new OrderReader(pool, stock, terms, watch, settings.STOCK_LANES),
    },
    {
      provide: CancelOrder,
      inject: [pg.Pool, OrderReader, OrderChanges],
      useFactory: (pool: pg.Pool, reader: OrderReader, changes: OrderChanges) => new CancelOrder(pool, reader, changes),
    },
    {
      provide: OrderEvents,
      inject: [OrderReader, RedisConnections],
      useFactory: (reader: OrderReader, redis: RedisConnections) =>
        new OrderEvents(reader, redis.openSubscriber('order-changes')),
    },
    {
      provide: OrderEventsRoute,
      inject: [OrderEvents, RuntimeSettings],
      useFactory: (events: OrderEvents, settings: RuntimeSettings) => {
        const slots = new EventSlots({
          perBuyerMax: () => settings.current.EVENT_STREAMS_PER_BUYER,
          inAllMax: () => settings.current.EVENT_STREAMS_MAX,
        });
        return new OrderEventsRoute(events, slots, HEARTBEAT_MS);
      },
    },
    {
      provide: 'orders loops',
      inject: [OrderEvents, SaleTermsReader, LOGGER],
      useFactory: (events: OrderEvents, terms: SaleTermsReader, logger: Logger) =>
        new BackgroundLoops([
          new PollingLoop({ name: 'sale terms', runOnce: () => terms.runOnce(), idle: TERMS_EVERY_MS, logger }),
          new PollingLoop({
            name: 'sweep of event streams',
            runOnce: () => events.runOnce(),
            idle: SWEEP_EVERY_MS,
            logger,
          }),
        ]),
    },
    {
      provide: SignedCursor,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new SignedCursor(settings.PAYMENT_WEBHOOK_SECRETS),
    },
  ],
  exports: [SaleTermsReader],
})
export class OrdersModule implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost<HttpAdapter>,
    private readonly route: OrderEventsRoute,
  ) {}

  onModuleInit(): void {
    const { httpAdapter } = this.host;
    this.route.register(httpAdapter.getInstance(), httpAdapter.draining);
  }
}
