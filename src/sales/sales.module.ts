import { type DynamicModule, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { PrismaClient } from '../platform/postgres/prisma.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { LaneGate } from '../stock/lane-gate.js';
import { Stock } from '../stock/stock.js';
import { AdminSalesController } from './admin-sales.controller.js';
import { RemoveSealedSales } from './remove-sealed-sales.js';
import { SaleCounting } from './sale-counting.js';
import { SaleLoader } from './sale-loader.js';
import { SaleOffice } from './sale-office.js';
import { SaleReader } from './sale-reader.js';
import { SalesController } from './sales.controller.js';
import { SealSales } from './seal-sale.js';
import { SteerSalesController } from './steer-sales.controller.js';
import { StockAdjustments } from './stock-adjustments.js';
import { StockAdjustmentsController } from './stock-adjustments.controller.js';

const LOAD_EVERY_MS = 1_000;
const FINISH_EVERY_MS = 1_000;

const loader = {
  provide: SaleLoader,
  inject: [pg.Pool, Stock, LOGGER],
  useFactory: (pool: pg.Pool, stock: Stock, logger: Logger) => new SaleLoader(pool, stock, logger),
};

const adjustments = {
  provide: StockAdjustments,
  inject: [pg.Pool, Stock, OrderStreams, SaleLoader, LOGGER],
  useFactory: (pool: pg.Pool, stock: Stock, streams: OrderStreams, sales: SaleLoader, logger: Logger) =>
    new StockAdjustments(pool, stock, streams, sales, logger),
};

const loops = {
  provide: 'sales loops',
  inject: [SaleLoader, StockAdjustments, pg.Pool, Stock, LOGGER],
  useFactory: (sales: SaleLoader, begun: StockAdjustments, pool: pg.Pool, stock: Stock, logger: Logger) => {
    const sealed = new RemoveSealedSales(pool, stock, logger);
    return new BackgroundLoops([
      new PollingLoop({ name: 'sale loader', runOnce: () => sales.runOnce(), idle: LOAD_EVERY_MS, logger }),
      new PollingLoop({ name: 'stock adjustments', runOnce: () => begun.runOnce(), idle: FINISH_EVERY_MS, logger }),
      new PollingLoop({ name: 'sealed sales', runOnce: () => sealed.runOnce(), idle: FINISH_EVERY_MS, logger }),
    ]);
  },
};

@Module({})
export class SalesModule {
  /** Sales over HTTP. */
  static forApi(): DynamicModule {
    return {
      module: SalesModule,
      controllers: [SalesController, AdminSalesController, SteerSalesController, StockAdjustmentsController],
      providers: [
        loader,
        adjustments,
        {
          provide: SaleReader,
          inject: [PrismaClient, Stock, LaneGate, LOGGER],
          useFactory: (prisma: PrismaClient, stock: Stock, gate: LaneGate, logger: Logger) =>
            new SaleReader(prisma, stock, gate, logger),
        },
        {
          provide: SaleOffice,
          inject: [pg.Pool, PrismaClient, SaleLoader, SETTINGS],
          useFactory: (pool: pg.Pool, prisma: PrismaClient, sales: SaleLoader, settings: Settings) =>
            new SaleOffice(pool, prisma, sales, settings.STOCK_LANES),
        },
        {
          provide: SealSales,
          inject: [pg.Pool, SaleOffice, Stock, LaneGate],
          useFactory: (pool: pg.Pool, office: SaleOffice, stock: Stock, gate: LaneGate) =>
            new SealSales(pool, office, stock, gate),
        },
        { provide: SaleCounting, inject: [pg.Pool], useFactory: (pool: pg.Pool) => new SaleCounting(pool) },
      ],
    };
  }

  /** Brings into Redis what an API process could not, or had no time to, and finishes what one has begun. */
  static forWorker(): DynamicModule {
    return { module: SalesLoadingModule, providers: [loader, adjustments, loops] };
  }
}

@Module({})
class SalesLoadingModule {}
