import Stripe from 'stripe';
import {
  type AskedPayment,
  type AskedRefund,
  type Charge,
  GatewayRefusal,
  type PaymentGateway,
  type PaymentRequest,
  type RefundRequest,
} from './payment-gateway.js';
import { toStripeAmount } from './stripe-amounts.js';
import { fieldsOf, isPaid } from './stripe-webhooks.js';

export interface StripeGatewayOptions {
  secretKey: string;
  /** Where Stripe sends a buyer's browser back to. */
  returnUrl: string;
  /** A connection on which nothing comes for so long is closed. Stripe's library cannot be told to stop by a signal. */
  timeoutMs?: number;
  /** Another server than Stripe's, for tests. */
  server?: { host: string; port: number; protocol: 'http' | 'https' };
}

/** Stripe lets a session live for at least so long, whatever the window of the order: what comes late is refunded. */
const SESSION_SECONDS_MIN = 30 * 60;
const SESSION_SECONDS_MAX = 24 * 60 * 60;
/** Room for clocks that differ, and for the way. */
const MARGIN_SECONDS = 60;
/** As Stripe's library has it. */
const TIMEOUT_MS = 80_000;
const CHARGES_PER_PAGE = 100;

/**
 * Payments at Stripe, as Checkout Sessions: a page of Stripe's own, on which a buyer may try several cards.
 *
 * Promises:  one session for each order and one refund for each session, by Stripe's idempotency keys and its own rules.
 * Does not:  know a payment intent before the session is paid, so our payment id is that of the session (`cs_…`).
 */
export class StripeGateway implements PaymentGateway {
  readonly name = 'stripe';
  readonly #stripe: Stripe;
  readonly #returnUrl: string;

  constructor({ secretKey, returnUrl, timeoutMs = TIMEOUT_MS, server }: StripeGatewayOptions) {
    // Attempts are the guarded gateway's; telemetry would tell Stripe how long its answers took.
    this.#stripe = new Stripe(secretKey, { maxNetworkRetries: 0, telemetry: false, timeout: timeoutMs, ...server });
    this.#returnUrl = returnUrl;
  }

  async askForPayment(request: PaymentRequest): Promise<AskedPayment> {
    const { orderId, saleId, amountMinor, currency, description, payBefore } = request;
    const unitAmount = toStripeAmount(amountMinor, currency);
    if (unitAmount === undefined) throw new GatewayRefusal(`Stripe takes no ${amountMinor} ${currency}`);
    const expiresAt = expiryOf(payBefore);
    const metadata = { orderId, saleId };
    const session = await refusing(() =>
      this.#stripe.checkout.sessions.create(
        {
          mode: 'payment',
          line_items: [
            {
              quantity: 1,
              price_data: {
                currency: currency.toLowerCase(),
                unit_amount: unitAmount,
                product_data: { name: description },
              },
            },
          ],
          client_reference_id: orderId,
          metadata,
          payment_intent_data: { metadata },
          ...(expiresAt !== undefined && { expires_at: expiresAt }),
          success_url: this.#returnUrl,
          cancel_url: this.#returnUrl,
        },
        { idempotencyKey: `order-${orderId}` },
      ),
    );
    return { paymentId: session.id, paymentUrl: session.url };
  }

  async refund({ paymentId, orderId, amountMinor }: RefundRequest): Promise<AskedRefund> {
    if (amountMinor === 0) return { refundId: paymentId, isDone: true }; // Stripe has charged nothing, and gives nothing back
    return refusing(async () => {
      const { payment_intent: intent } = await this.#stripe.checkout.sessions.retrieve(paymentId, {
        expand: ['payment_intent.latest_charge.refunds'],
      });
      if (!intent) throw new GatewayRefusal(`Stripe has charged nothing with ${paymentId}`);
      const { id, status } =
        begunRefund(intent, paymentId) ??
        (await this.#stripe.refunds.create(
          { payment_intent: typeof intent === 'string' ? intent : intent.id, metadata: { paymentId, orderId } },
          { idempotencyKey: `refund-${paymentId}` },
        ));
      if (status === 'failed' || status === 'canceled') throw new GatewayRefusal(`Stripe's refund ${id} is ${status}`);
      return { refundId: id, isDone: status === 'succeeded' };
    }).catch((error: unknown) => {
      if (isAlreadyRefunded(error)) return { refundId: paymentId, isDone: true };
      throw error;
    });
  }

  /** A session is listed by when it was made, which may be a day before it was paid. What takes longer only a webhook tells. */
  async *chargesSince(since: Date): AsyncIterable<Charge[]> {
    const made = { gte: Math.floor(since.getTime() / 1_000) - SESSION_SECONDS_MAX };
    let after: string | undefined;
    for (;;) {
      const page = await this.#stripe.checkout.sessions.list({
        status: 'complete',
        created: made,
        limit: CHARGES_PER_PAGE,
        ...(after !== undefined && { starting_after: after }),
      });
      yield page.data.flatMap((session) => toCharge(session) ?? []);
      after = page.data.at(-1)?.id;
      if (!page.has_more || after === undefined) return;
    }
  }
}

/**
 * Half an hour after the order's, and not after now: asked again, an order must ask for the same, or Stripe refuses its key.
 * Undefined when Stripe allows no session to live for so long: then it lives for a day.
 */
function expiryOf(payBefore: Date): number | undefined {
  const expiresAt = Math.floor(payBefore.getTime() / 1_000) + SESSION_SECONDS_MIN;
  return expiresAt < Date.now() / 1_000 + SESSION_SECONDS_MAX - MARGIN_SECONDS ? expiresAt : undefined;
}

/**
 * Not only asked for again, for to that Stripe says for a day what it said at first: `pending`. One that has failed is made
 * anew once that day is over.
 */
function begunRefund(intent: string | Stripe.PaymentIntent, paymentId: string): Stripe.Refund | undefined {
  const charge = typeof intent === 'string' ? null : intent.latest_charge;
  const refunds = charge === null || typeof charge === 'string' ? [] : (charge.refunds?.data ?? []);
  const mayStillCome = ({ status }: Stripe.Refund) => status !== 'failed' && status !== 'canceled';
  return refunds.find((refund) => refund.metadata?.paymentId === paymentId && mayStillCome(refund));
}

/** Undefined for one that is not paid, or is none of ours. */
function toCharge(session: Stripe.Checkout.Session): Charge | undefined {
  const { paymentId, orderId, amountMinor, currency } = fieldsOf(session);
  if (!isPaid(session)) return undefined;
  if (paymentId === null || orderId === null || amountMinor === null || currency === null) return undefined;
  return { paymentId, orderId, amountMinor, currency, capturedAt: new Date(session.created * 1_000) };
}

/** What Stripe has understood and will say again. A key that is wrong is an operator's to mend: then it passes. */
async function refusing<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const isFinal =
      error instanceof Stripe.errors.StripeInvalidRequestError || error instanceof Stripe.errors.StripeCardError;
    if (isFinal) throw new GatewayRefusal(error.message, { cause: error });
    throw error;
  }
}

const isAlreadyRefunded = (error: unknown): boolean =>
  error instanceof GatewayRefusal &&
  error.cause instanceof Stripe.errors.StripeError &&
  error.cause.code === 'charge_already_refunded';
