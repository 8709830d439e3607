import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../platform/http/access.js';
import type { OperationDescription } from '../platform/http/operation.js';
import { type EventSlots, NO_SLOT } from './event-slots.js';
import { EventStream } from './event-stream.js';
import type { OrderEvents, Viewer } from './order-events.js';
import { NEXT_STATUSES } from './order-status.js';
import type { OrderView } from './order-view.js';
import { ORDER_NOT_FOUND, requireUuid } from './paths.js';

const OPERATION: OperationDescription = {
  id: 'watchOrder',
  tag: 'Orders',
  summary: 'Watch an order until its status is final',
  description:
    'Server-sent events: `event: order`, with the Order as `data`, at once and at each change; a comment every 15 s. A change that nobody was told of is shown within 5 s.',
  answers: { 200: { description: 'The events', text: 'text/event-stream' } },
  problems: [ORDER_NOT_FOUND.type, ...NO_SLOT],
};

interface OrderEventsRequest {
  Params: { saleId: string; orderId: string };
}

/**
 * `GET /v1/sales/{saleId}/orders/{orderId}/events`: the order now, and then at each change until its status is final.
 *
 * Promises:  a stream counts until it is closed, once, whatever ends it; all end as soon as the process begins to stop.
 * Does not:  end when the token of its buyer expires: it shows one order, that was theirs when they came.
 */
export class OrderEventsRoute {
  constructor(
    private readonly events: OrderEvents,
    private readonly slots: EventSlots,
    private readonly heartbeatMs: number,
  ) {}

  /** Without HEAD: nobody would read what it opens. */
  register(server: FastifyInstance, draining: AbortSignal): void {
    server.get<OrderEventsRequest>(
      '/v1/sales/:saleId/orders/:orderId/events',
      { exposeHeadRoute: false, config: { access: 'buyer', operation: OPERATION } },
      (request, reply) => this.handle(request, reply),
    );
    draining.addEventListener('abort', () => this.events.endAll(), { once: true });
  }

  private async handle(request: FastifyRequest<OrderEventsRequest>, reply: FastifyReply): Promise<void> {
    const saleId = requireUuid(request.params.saleId);
    const orderId = requireUuid(request.params.orderId);
    const asker = callerOf(request);
    const giveBack = this.slots.take(asker.subject);
    const stream = new EventStream(reply.raw, this.heartbeatMs, () => {
      this.events.leave(viewer);
      giveBack();
    });
    const show = (order: OrderView) => {
      stream.send('order', order);
      if (isFinal(order)) stream.end();
    };
    const viewer: Viewer = { asker, saleId, orderId, show, end: () => stream.end() };
    try {
      const order = await this.events.join(viewer);
      reply.hijack();
      stream.open(reply.getHeaders() as OutgoingHttpHeaders);
      show(order);
      if (this.events.isEnding) stream.end();
    } catch (error) {
      stream.close();
      throw error;
    }
  }
}

const isFinal = ({ status }: OrderView): boolean => status !== 'queued' && NEXT_STATUSES[status].length === 0;
