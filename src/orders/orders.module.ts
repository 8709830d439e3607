import { Module } from '@nestjs/common';
import pg from 'pg';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { LaneWatch } from '../order-stream/lane-watch.js';
import { Stock } from '../stock/stock.js';
import { CancelOrder } from './cancel-order.js';
import { OrderChanges } from './order-changes.js';
import { OrderReader } from './order-reader.js';
import { OrdersController } from './orders.controller.js';
import { SaleTermsReader } from './sale-terms.js';

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
      provide: SignedCursor,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new SignedCursor(settings.JWT_SECRET),
    },
  ],
  exports: [SaleTermsReader],
})
export class OrdersModule {}
