import { Module } from '@nestjs/common';
import pg from 'pg';
import { OrderStreams } from '../order-stream/order-streams.js';
import { LaneGate } from '../stock/lane-gate.js';
import { Stock } from '../stock/stock.js';
import { AuditController } from './audit.controller.js';
import { SaleAudit } from './sale-audit.js';

/** Compares Redis and Postgres; names every difference. */
@Module({
  controllers: [AuditController],
  providers: [
    {
      provide: SaleAudit,
      inject: [pg.Pool, Stock, LaneGate, OrderStreams],
      useFactory: (pool: pg.Pool, stock: Stock, gate: LaneGate, streams: OrderStreams) =>
        new SaleAudit(pool, stock, gate, streams),
    },
  ],
})
export class ReconciliationModule {}
