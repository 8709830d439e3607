import type { IncomingHttpHeaders } from 'node:http';

/** What is asked of the gateway for an order. The order id is the idempotency key: asking again answers the same payment. */
export interface PaymentRequest {
  orderId: string;
  saleId: string;
  amountMinor: number;
  /** ISO 4217, upper case. */
  currency: string;
  /** What the buyer reads on the gateway's page. */
  description: string;
  /** The order expires then; what is paid later is refunded. */
  payBefore: Date;
}

export interface AskedPayment {
  paymentId: string;
  /** Where the buyer pays; null when the gateway has no page of its own. */
  paymentUrl: string | null;
}

/** Gives back all that a payment has charged. The payment id is the idempotency key. */
export interface RefundRequest {
  paymentId: string;
  orderId: string;
  amountMinor: number;
  currency: string;
}

export interface AskedRefund {
  refundId: string;
  /** False while the gateway is still at it: it tells us by a webhook, and when it is asked again. */
  isDone: boolean;
}

/** Money that the gateway has taken for an order. */
export interface Charge {
  paymentId: string;
  orderId: string;
  amountMinor: number;
  currency: string;
  capturedAt: Date;
}

/**
 * The port to whoever holds the money. Adapters make one attempt each; time-outs, retries and the circuit breaker are
 * GuardedGateway's.
 *
 * @throws GatewayRefusal when the gateway has understood and will say the same again; anything else is passing.
 */
export interface PaymentGateway {
  /** In metrics, and in `payments.gateway`. */
  readonly name: string;
  askForPayment(request: PaymentRequest, signal: AbortSignal): Promise<AskedPayment>;
  refund(request: RefundRequest, signal: AbortSignal): Promise<AskedRefund>;
  /** At least all charges that were captured at or after `since`, page by page, in no particular order. */
  chargesSince(since: Date, signal: AbortSignal): AsyncIterable<Charge[]>;
}

/** The gateway says no, and asking again would change nothing. */
export class GatewayRefusal extends Error {
  override readonly name = 'GatewayRefusal';
}

/** What a gateway tells us. Types that we do not know, and events about no order of ours, are kept all the same. */
export interface GatewayEvent {
  id: string;
  /** `payment.succeeded`, `payment.failed` and `refund.succeeded` are understood. */
  type: string;
  paymentId: string | null;
  /** A lower-case UUID. */
  orderId: string | null;
  amountMinor: number | null;
  currency: string | null;
}

export type WebhookReading =
  | { event: GatewayEvent }
  /** Signed by nobody we know; signed too long ago or ahead; signed, and no event. */
  | { refusedBecause: 'invalid-signature' | 'stale-signature' | 'no-event' };

/** Says who has sent a webhook and what it says. Pure, but for the clock. */
export abstract class WebhookReader {
  abstract read(body: Buffer, headers: IncomingHttpHeaders): WebhookReading;
}
