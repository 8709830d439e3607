import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller } from '../platform/http/access.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { CancelOrder } from './cancel-order.js';
import { OrderReader } from './order-reader.js';
import type { OrderView } from './order-view.js';
import { ORDER_NOT_FOUND, requireUuid } from './paths.js';

const LISTED_MAX = 100;
const LISTED_DEFAULT = 20;

const listQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `must be 1 to ${LISTED_MAX}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LISTED_MAX, `must be 1 to ${LISTED_MAX}`)
    .default(LISTED_DEFAULT),
  cursor: z.string().max(256).optional(),
});

/** What became of an order, for its buyer. */
@Access('buyer')
@Controller('v1')
export class OrdersController {
  constructor(
    private readonly reader: OrderReader,
    private readonly cursors: SignedCursor,
    private readonly cancellation: CancelOrder,
  ) {}

  @Get('sales/:saleId/orders/:orderId')
  async read(
    @CurrentCaller() caller: Caller,
    @Param('saleId') saleId: string,
    @Param('orderId') orderId: string,
  ): Promise<OrderView> {
    const order = await this.reader.read(caller, requireUuid(saleId), requireUuid(orderId));
    if (!order) throw ORDER_NOT_FOUND;
    return order;
  }

  /** Takes no body; what is sent as one is not read. */
  @Post('sales/:saleId/orders/:orderId/cancel')
  @HttpCode(202)
  async cancel(
    @CurrentCaller() { subject }: Caller,
    @Param('saleId') saleId: string,
    @Param('orderId') orderId: string,
  ): Promise<OrderView> {
    return this.cancellation.cancel(subject, requireUuid(saleId), requireUuid(orderId));
  }

  @Get('orders')
  async list(
    @CurrentCaller() { subject }: Caller,
    @Query({ schema: listQuery }) { limit, cursor }: z.infer<typeof listQuery>,
  ): Promise<{ orders: OrderView[]; nextCursor: string | null }> {
    const before = cursor === undefined ? null : this.cursors.open(`orders of ${subject}`, cursor);
    const orders = await this.reader.list(subject, { before, limit: limit + 1 });
    const page = orders.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = orders.length > limit && last ? this.cursors.seal(`orders of ${subject}`, last.orderId) : null;
    return { orders: page, nextCursor };
  }
}
