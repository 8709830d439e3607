import type { Pool } from 'pg';
import type { OrderChanges } from '../orders/order-changes.js';
import type { OrderStatus } from '../orders/order-status.js';
import { type EventJob, strikeOff } from '../outbox/event-job.js';
import { failpoint } from '../platform/failpoint.js';
import { Batcher } from '../platform/loop/batcher.js';
import type { GuardedGateway } from './guarded-gateway.js';
import { type AskedPayment, GatewayRefusal } from './payment-gateway.js';
import type { Logger } from 'pino';

interface Payable {
  eventId: number;
  saleId: string;
  orderId: string;
  status: OrderStatus;
  amountMinor: number;
  currency: string;
  quantity: number;
  saleName: string;
  expiresAt: Date;
}

type Recordable = EventJob & { amountMinor: number; currency: string; asked: AskedPayment | null };

const BATCH_MAX = 500;

/** An event that is not there any more was dealt with. */
const READ = `
  SELECT e.event_id AS "eventId", e.sale_id AS "saleId", e.order_id AS "orderId", o.status,
         o.amount_minor AS "amountMinor", o.currency, o.quantity, o.expires_at AS "expiresAt", s.name AS "saleName"
  FROM outbox_events e JOIN orders o USING (sale_id, order_id) JOIN sales s USING (sale_id)
  WHERE e.consumer = 'payment' AND e.event_id = ANY($1::bigint[])`;

/** A webhook may have been here first: then the payment is known, and lacks only its page. */
const RECORD = `
  WITH done AS (${strikeOff('payment', '$1::bigint[]')}
  )
  INSERT INTO payments (payment_id, sale_id, order_id, amount_minor, currency, gateway, payment_url)
  SELECT e.payment_id, e.sale_id, e.order_id, e.amount_minor, e.currency, $2, e.payment_url
  FROM unnest($3::text[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::text[])
         AS e (payment_id, sale_id, order_id, amount_minor, currency, payment_url)
  ORDER BY e.payment_id
  ON CONFLICT (payment_id) DO UPDATE SET payment_url = excluded.payment_url`;

/**
 * Has the gateway make a payment for each order that waits for one, so that its buyer finds where to pay. Consumes
 * `order.reserved`, one order at a time; what it reads and writes in Postgres is put together with that of its neighbours.
 *
 * Promises:  an order has one payment, however often it is asked for: the gateway knows the order's id. A crash after the
 *            answer asks again, and gets the same answer.
 * Promises:  nothing is asked for an order that does not wait any more.
 * Does not:  decide anything about the order. Only money that has come does (settle-webhooks.ts).
 */
export class AskForPayments {
  readonly #reading: Batcher<number, Payable | undefined>;
  readonly #recording: Batcher<Recordable, undefined>;

  constructor(
    private readonly pool: Pool,
    private readonly gateway: GuardedGateway,
    private readonly changes: OrderChanges,
    private readonly logger: Logger,
  ) {
    this.#reading = new Batcher((eventIds) => this.read(eventIds), BATCH_MAX);
    this.#recording = new Batcher((answers) => this.record(answers), BATCH_MAX);
  }

  /** One order. Safe to repeat at any line. @throws while the gateway or Postgres is away: the job is tried again. */
  async run({ eventId, saleId, orderId }: EventJob): Promise<void> {
    const order = await this.#reading.add(eventId);
    if (!order) return;
    const asked = order.status === 'pending_payment' ? await this.ask(order) : null;
    failpoint('payment-asked');
    await this.#recording.add({
      eventId,
      saleId,
      orderId,
      asked,
      amountMinor: order.amountMinor,
      currency: order.currency,
    });
    failpoint('payment-recorded');
  }

  /** Null when the gateway will never take this payment: the order then expires. */
  private async ask(order: Payable): Promise<AskedPayment | null> {
    const { orderId, saleId, amountMinor, currency, quantity, saleName, expiresAt: payBefore } = order;
    const description = quantity === 1 ? saleName : `${quantity} × ${saleName}`;
    try {
      return await this.gateway.askForPayment({ orderId, saleId, amountMinor, currency, description, payBefore });
    } catch (err) {
      if (!(err instanceof GatewayRefusal)) throw err;
      this.logger.error({ err, saleId, orderId }, 'the gateway refuses to make a payment; the order cannot be paid');
      return null;
    }
  }

  private async read(eventIds: readonly number[]): Promise<(Payable | undefined)[]> {
    const { rows } = await this.pool.query<Payable>({ name: 'read-payable', text: READ, values: [eventIds] });
    const byEvent = new Map(rows.map((row) => [row.eventId, row]));
    return eventIds.map((eventId) => byEvent.get(eventId));
  }

  private async record(answers: readonly Recordable[]): Promise<undefined[]> {
    // Twice in one batch when the queue has handed it out twice; one statement cannot change a row twice.
    const payments = [...new Map(answers.flatMap(toPayment)).values()];
    await this.pool.query({
      name: 'record-payments',
      text: RECORD,
      values: [
        answers.map(({ eventId }) => eventId),
        this.gateway.name,
        payments.map(({ paymentId }) => paymentId),
        payments.map(({ saleId }) => saleId),
        payments.map(({ orderId }) => orderId),
        payments.map(({ amountMinor }) => amountMinor),
        payments.map(({ currency }) => currency),
        payments.map(({ paymentUrl }) => paymentUrl),
      ],
    });
    this.changes.publish(payments.map(({ orderId }) => orderId));
    return [];
  }
}

const toPayment = ({ asked, ...order }: Recordable) =>
  asked ? [[asked.paymentId, { ...order, ...asked }] as const] : [];
