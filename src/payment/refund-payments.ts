import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { OrderChanges } from '../orders/order-changes.js';
import { type EventJob, strikeOff } from '../outbox/event-job.js';
import { failpoint } from '../platform/failpoint.js';
import type { GuardedGateway } from './guarded-gateway.js';
import { GatewayRefusal, type RefundRequest } from './payment-gateway.js';

const READ_DUE = `
  SELECT r.payment_id AS "paymentId", r.order_id AS "orderId", r.amount_minor AS "amountMinor", r.currency
  FROM outbox_events e JOIN refunds r USING (order_id)
  WHERE e.consumer = 'refunds' AND e.event_id = $1 AND r.done_at IS NULL
  ORDER BY r.payment_id`;

/** Sets `refund_id` as soon as the gateway has begun, and `done_at` once the money is back. */
const RECORD = `
  UPDATE refunds SET refund_id = $2, done_at = CASE WHEN $3 THEN coalesce(done_at, now()) ELSE done_at END
  WHERE payment_id = $1`;

/**
 * Gives back money that came for an order that could not be paid with it. Consumes `refund.due`.
 *
 * Promises:  a payment is given back once, however often it is asked for: the gateway knows the payment's id.
 * Promises:  goes on until the money is back: as long as the gateway is at it, or refuses, the event stays, and comes again
 *            when its lease has run out.
 */
export class RefundPayments {
  constructor(
    private readonly pool: Pool,
    private readonly gateway: GuardedGateway,
    private readonly changes: OrderChanges,
    private readonly logger: Logger,
  ) {}

  /** All refunds of one order that are due. Safe to repeat at any line. */
  async run({ eventId, orderId }: EventJob): Promise<void> {
    const { rows: due } = await this.pool.query<RefundRequest>(READ_DUE, [eventId]);
    const results: boolean[] = [];
    for (const refund of due) results.push(await this.refund(refund));
    if (results.includes(false)) return;
    await this.pool.query(strikeOff('refunds', 'ARRAY[$1::bigint]'), [eventId]);
    failpoint('refund-struck-off');
    this.changes.publish([orderId]);
  }

  /** @returns whether the money is back. */
  private async refund(request: RefundRequest): Promise<boolean> {
    try {
      const { refundId, isDone } = await this.gateway.refund(request);
      failpoint('refund-asked');
      await this.pool.query(RECORD, [request.paymentId, refundId, isDone]);
      return isDone;
    } catch (err) {
      if (!(err instanceof GatewayRefusal)) throw err;
      const { paymentId, orderId } = request;
      this.logger.error({ err, paymentId, orderId }, 'the gateway refuses a refund; it stays due');
      return false;
    }
  }
}
