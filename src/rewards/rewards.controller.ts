import { Controller, Get } from '@nestjs/common';
import pg from 'pg';
import { z } from 'zod';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller, Operation } from '../platform/http/access.js';
import { count, identifier, instant } from '../platform/http/shapes.js';

/** The newest of them; the sum counts all. */
const LISTED_MAX = 20;

const rewardShape = z.object({ orderId: identifier, saleId: identifier, points: count, grantedAt: instant });
const rewardsShape = z.object({ points: count, rewards: z.array(rewardShape) }).meta({
  examples: [
    {
      points: 19,
      rewards: [
        {
          orderId: '0199f3a2-6c2d-7e5f-9071-8293a4b5c6d7',
          saleId: '0199f3a2-5b1c-7d4e-8f60-718293a4b5c6',
          points: 19,
          grantedAt: '2026-11-27T08:10:00.000Z',
        },
      ],
    },
  ],
});
type Reward = z.infer<typeof rewardShape>;

/** A buyer's points. */
@Access('buyer')
@Controller('v1/rewards')
export class RewardsController {
  constructor(private readonly pool: pg.Pool) {}

  @Get()
  @Operation({
    id: 'getRewards',
    tag: 'Rewards',
    summary: `My points, and the newest ${LISTED_MAX} orders they were granted for`,
    answers: { 200: { description: 'The points', body: rewardsShape } },
  })
  async read(@CurrentCaller() { subject }: Caller): Promise<z.infer<typeof rewardsShape>> {
    const [sum, newest] = await Promise.all([
      this.pool.query<{ points: number }>(
        'SELECT coalesce(sum(points), 0)::bigint AS points FROM reward_points WHERE buyer_id = $1',
        [subject],
      ),
      this.pool.query<Omit<Reward, 'grantedAt'> & { grantedAt: Date }>(
        `SELECT order_id AS "orderId", sale_id AS "saleId", points, granted_at AS "grantedAt" FROM reward_points
         WHERE buyer_id = $1 ORDER BY order_id DESC LIMIT ${LISTED_MAX}`,
        [subject],
      ),
    ]);
    const rewards = newest.rows.map((reward) => ({ ...reward, grantedAt: reward.grantedAt.toISOString() }));
    return { points: sum.rows[0]?.points ?? 0, rewards };
  }
}
