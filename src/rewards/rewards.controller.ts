import { Controller, Get } from '@nestjs/common';
import pg from 'pg';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller } from '../platform/http/access.js';

/** The newest of them; the sum counts all. */
const LISTED_MAX = 20;

interface Reward {
  orderId: string;
  saleId: string;
  points: number;
  grantedAt: Date;
}

/** A buyer's points. */
@Access('buyer')
@Controller('v1/rewards')
export class RewardsController {
  constructor(private readonly pool: pg.Pool) {}

  @Get()
  async read(@CurrentCaller() { subject }: Caller): Promise<{ points: number; rewards: Reward[] }> {
    const [sum, newest] = await Promise.all([
      this.pool.query<{ points: number }>(
        'SELECT coalesce(sum(points), 0)::bigint AS points FROM reward_points WHERE buyer_id = $1',
        [subject],
      ),
      this.pool.query<Reward>(
        `SELECT order_id AS "orderId", sale_id AS "saleId", points, granted_at AS "grantedAt" FROM reward_points
         WHERE buyer_id = $1 ORDER BY order_id DESC LIMIT ${LISTED_MAX}`,
        [subject],
      ),
    ]);
    return { points: sum.rows[0]?.points ?? 0, rewards: newest.rows };
  }
}
