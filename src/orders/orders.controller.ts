import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller, Operation } from '../platform/http/access.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { CancelOrder, NOT_CANCELLABLE } from './cancel-order.js';
import { OrderReader } from './order-reader.js';
import { orderShape, type OrderView } from './order-view.js';
import { ORDER_NOT_FOUND, requireUuid } from './paths.js';

const LISTED_MAX = 100;
const LISTED_DEFAULT = 20;

const listQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `must be 1 to ${LISTED_MAX}`)
    .transform(Number)
    .pipe(z.int().min(1, `must be 1 to ${LISTED_MAX}`).max(LISTED_MAX, `must be 1 to ${LISTED_MAX}`))
    .default(LISTED_DEFAULT),
  cursor: z.string().max(256).optional(),
});

const ordersPage = z.object({ orders: z.array(orderShape), nextCursor: z.string().nullable() });

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
  @Operation({
    id: 'getOrder',
    tag: 'Orders',
    summary: 'What has become of an order',
    description:
      'Found from its 202 on: an order that is not stored yet is `queued`. An admin sees every order that is stored.',
    answers: { 200: { description: 'The order', body: orderShape } },
    problems: [ORDER_NOT_FOUND.type],
  })
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
  @Operation({
    id: 'cancelOrder',
    tag: 'Orders',
    summary: 'Give an order up that is not paid',
    answers: { 202: { description: 'The order, cancelled now or before', body: orderShape } },
    problems: [ORDER_NOT_FOUND.type, ...NOT_CANCELLABLE],
  })
  async cancel(
    @CurrentCaller() { subject }: Caller,
    @Param('saleId') saleId: string,
    @Param('orderId') orderId: string,
  ): Promise<OrderView> {
    return this.cancellation.cancel(subject, requireUuid(saleId), requireUuid(orderId));
  }

  @Get('orders')
  @Operation({
    id: 'listOrders',
    tag: 'Orders',
    summary: 'My orders that are stored, newest first',
    query: listQuery,
    answers: {
      200: {
        description: 'A page; `nextCursor` leads to the next one, null says that there is none',
        body: ordersPage,
      },
    },
  })
  async list(
    @CurrentCaller() { subject }: Caller,
    @Query({ schema: listQuery }) { limit, cursor }: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof ordersPage>> {
    const before = cursor === undefined ? null : this.cursors.open(`orders of ${subject}`, cursor);
    const orders = await this.reader.list(subject, { before, limit: limit + 1 });
    const page = orders.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = orders.length > limit && last ? this.cursors.seal(`orders of ${subject}`, last.orderId) : null;
    return { orders: page, nextCursor };
  }
}
