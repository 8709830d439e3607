import { Global, Module } from '@nestjs/common';
import { RedisConnections } from '../platform/redis/redis-connections.js';
import { LaneGate } from './lane-gate.js';
import { Stock } from './stock.js';

@Global()
@Module({
  providers: [
    { provide: Stock, inject: [RedisConnections], useFactory: ({ commands }: RedisConnections) => new Stock(commands) },
    {
      provide: LaneGate,
      inject: [RedisConnections],
      useFactory: ({ commands }: RedisConnections) => new LaneGate(commands),
    },
  ],
  exports: [Stock, LaneGate],
})
export class StockModule {}
