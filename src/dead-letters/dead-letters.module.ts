import { Module } from '@nestjs/common';
import pg from 'pg';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { OrderStreams } from '../order-stream/order-streams.js';
import { SetAsideEntries } from '../order-stream/set-aside-entries.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import { LaneGate } from '../stock/lane-gate.js';
import { Stock } from '../stock/stock.js';
import { DeadLetterDesk } from './dead-letter-desk.js';
import { DeadLettersController } from './dead-letters.controller.js';

/** What could not be stored, for the operator. */
@Module({
  controllers: [DeadLettersController],
  providers: [
    {
      provide: SignedCursor,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new SignedCursor(settings.PAYMENT_WEBHOOK_SECRETS),
    },
    {
      provide: DeadLetterDesk,
      inject: [pg.Pool, Stock, LaneGate, OrderStreams, RedisConnections],
      useFactory: (
        pool: pg.Pool,
        stock: Stock,
        gate: LaneGate,
        streams: OrderStreams,
        { commands }: RedisConnections,
      ) => new DeadLetterDesk({ pool, stock, gate, streams, entries: new SetAsideEntries(commands) }),
    },
  ],
})
export class DeadLettersModule {}
