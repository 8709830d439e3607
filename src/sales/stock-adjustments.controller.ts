import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { Access, callerOf, Operation } from '../platform/http/access.js';
import {
  IDEMPOTENCY_KEY,
  IDEMPOTENCY_KEY_REUSED,
  IDEMPOTENCY_REPLAYED,
  readIdempotencyKey,
} from '../platform/http/idempotency-key.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN, STORE_UNAVAILABLE } from '../platform/http/problems.js';
import { identifier, instant } from '../platform/http/shapes.js';
import { isStoreAway } from '../platform/store-errors.js';
import type { AdjustmentWish } from './adjustment-rows.js';
import { INVALID_SALE, SALE_SEALED, STOCK_MAX } from './new-sale.js';
import { type Adjusted, StockAdjustments } from './stock-adjustments.js';

const REASON_CHARS_MAX = 500;
const wishShape = z
  .strictObject({ delta: z.int(), reason: z.string().min(1).max(REASON_CHARS_MAX) })
  .meta({ examples: [{ delta: 3, reason: 'found a box' }] });

const RETRY_AFTER_SECONDS = 1;

const brokenRule = (detail: string) =>
  new Problem(INVALID_SALE, 'Nothing was adjusted.', { errors: [{ pointer: '/delta', detail }] });

const PROBLEMS: Record<Exclude<Adjusted['is'], 'done'>, Problem> = {
  'unknown-sale': SALE_NOT_FOUND,
  sealed: SALE_SEALED,
  'stock-in-use': new Problem(
    problemType('stock-in-use', 409, {
      title: 'Fewer units are free than are to be taken away',
      when: 'Buyers hold so many units that fewer are free than `-delta`. Nothing was adjusted.',
      next: 'Take away fewer units, or wait until orders expire; the same key is decided afresh.',
    }),
    'Buyers hold the others. Nothing was adjusted.',
  ),
  'key-reused': new Problem(
    IDEMPOTENCY_KEY_REUSED,
    'This key has an adjustment by another number of units. Send that number again, or a new key.',
  ),
  'out-of-range': brokenRule(`must leave a total of 0 to ${STOCK_MAX}`),
  'not-now': new Problem(STORE_UNAVAILABLE, 'The lane of this sale is closed. Nothing was adjusted.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  }),
  pending: new Problem(
    OUTCOME_UNKNOWN,
    'The adjustment may be on record, and then is finished as soon as the lane of the sale can be reached. Send the same key again to learn what became of it; it is never applied twice.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  ),
};
const ZERO = brokenRule('must not be 0');

/** The same for every repetition of a key; what is free meanwhile is the sale's own answer. */
const adjustmentShape = z
  .object({
    saleId: identifier,
    number: z.int().min(1),
    delta: z.int(),
    reason: z.string(),
    version: z
      .int()
      .nullable()
      .meta({ description: 'Null when a rebuild has applied it: then it is no decision of the lane' }),
    createdAt: instant,
  })
  .meta({
    examples: [
      {
        saleId: '0199f3a2-5b1c-7d4e-8f60-718293a4b5c6',
        number: 1,
        delta: 3,
        reason: 'found a box',
        version: 1_000_000_000_088,
        createdAt: '2026-11-27T08:05:00.000Z',
      },
    ],
  });

@Access('admin')
@Controller('v1/admin/sales')
export class StockAdjustmentsController {
  constructor(private readonly adjustments: StockAdjustments) {}

  @Post(':saleId/stock-adjustments')
  @HttpCode(201)
  @Operation({
    id: 'adjustStock',
    tag: 'Admin: sales',
    summary: 'Put units on sale, or take free ones away',
    headers: { 'Idempotency-Key': IDEMPOTENCY_KEY },
    body: wishShape,
    answers: {
      201: {
        description: 'The adjustment',
        body: adjustmentShape,
        headers: { 'Idempotency-Replayed': IDEMPOTENCY_REPLAYED },
      },
    },
    problems: Object.values(PROBLEMS).map(({ type }) => type),
  })
  async adjust(
    @Body({ schema: wishShape }) { delta, reason }: z.infer<typeof wishShape>,
    @Req() request: FastifyRequest<{ Params: { saleId: string } }>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof adjustmentShape>> {
    const idempotencyKey = readIdempotencyKey(request.headers['idempotency-key']);
    const saleId = requireUuid(request.params.saleId);
    if (delta === 0) throw ZERO;
    const adjusted = await this.carryOut({
      saleId,
      delta,
      reason,
      idempotencyKey,
      operator: callerOf(request).subject,
    });
    if (adjusted.is !== 'done') throw PROBLEMS[adjusted.is];
    if (adjusted.isRepeated) reply.header('idempotency-replayed', 'true');
    const { number, version, createdAt, ...kept } = adjusted.adjustment;
    return { saleId, number, delta, reason: kept.reason, version, createdAt: createdAt.toISOString() };
  }

  private async carryOut(wish: AdjustmentWish): Promise<Adjusted> {
    try {
      return await this.adjustments.adjust(wish);
    } catch (error) {
      if (isStoreAway(error)) return { is: 'pending' };
      throw error;
    }
  }
}
