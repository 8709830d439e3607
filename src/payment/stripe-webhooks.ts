import type { IncomingHttpHeaders } from 'node:http';
import Stripe from 'stripe';
import { type GatewayEvent, WebhookReader, type WebhookReading } from './payment-gateway.js';
import { fromStripeAmount } from './stripe-amounts.js';

const TOLERANCE_SECONDS = 300;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Needs no key: signatures are checked with the secrets of the endpoint. */
const { webhooks } = new Stripe('sk_only_to_check_signatures');

/**
 * Webhooks of Stripe.
 *
 * Promises:  what it calls an event was signed with one of the secrets, at most 300 s ago (https://docs.stripe.com/webhooks/signature).
 * Does not:  understand more types than those that say that a session was paid or not, or that a refund is through; the others
 *            keep their names, and have no effect.
 */
export class StripeWebhooks extends WebhookReader {
  constructor(private readonly secrets: readonly string[]) {
    super();
  }

  read(body: Buffer, headers: IncomingHttpHeaders): WebhookReading {
    const header = headers['stripe-signature'];
    if (typeof header !== 'string') return { refusedBecause: 'invalid-signature' };
    let isStale = false;
    for (const secret of this.secrets) {
      try {
        const event = webhooks.constructEvent(body, header, secret, TOLERANCE_SECONDS);
        return isEvent(event) ? { event: toGatewayEvent(event) } : { refusedBecause: 'no-event' };
      } catch (error) {
        // It is signed, and no JSON, or an event of Stripe's second API, which says only where to look.
        if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) return { refusedBecause: 'no-event' };
        isStale ||= error.message.includes('tolerance zone');
      }
    }
    return { refusedBecause: isStale ? 'stale-signature' : 'invalid-signature' };
  }
}

const isEvent = (event: Partial<Stripe.Event> | null): boolean =>
  typeof event?.id === 'string' && typeof event.type === 'string' && isObject(event.data?.object);

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

function toGatewayEvent(event: Stripe.Event): GatewayEvent {
  const { id } = event;
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- Stripe has hundreds of types, and invents more
  switch (event.type) {
    case 'checkout.session.completed': {
      // Some ways to pay take days: then the session is complete, and the money comes later.
      const type = isPaid(event.data.object) ? 'payment.succeeded' : event.type;
      return { id, type, ...fieldsOf(event.data.object) };
    }
    case 'checkout.session.async_payment_succeeded':
      return { id, type: 'payment.succeeded', ...fieldsOf(event.data.object) };
    case 'checkout.session.async_payment_failed':
    case 'checkout.session.expired':
      return { id, type: 'payment.failed', ...fieldsOf(event.data.object) };
    case 'refund.created':
    case 'refund.updated':
    case 'charge.refund.updated': {
      const { status, metadata } = event.data.object;
      const type = status === 'succeeded' ? 'refund.succeeded' : event.type;
      const { paymentId = null, orderId = null } = metadata ?? {};
      return { id, type, paymentId, orderId: uuidOrNull(orderId), amountMinor: null, currency: null };
    }
    default:
      return { id, type: event.type, paymentId: null, orderId: null, amountMinor: null, currency: null };
  }
}

/** What costs nothing has nothing to wait for. https://docs.stripe.com/payments/checkout/no-cost-orders */
export const isPaid = ({ payment_status: status }: Stripe.Checkout.Session): boolean =>
  status === 'paid' || status === 'no_payment_required';

/** What a session says of whose money, and how much. */
export function fieldsOf(session: Stripe.Checkout.Session): Omit<GatewayEvent, 'id' | 'type'> {
  const currency = session.currency?.toUpperCase() ?? null;
  const amountMinor =
    session.amount_total === null || currency === null ? undefined : fromStripeAmount(session.amount_total, currency);
  return {
    paymentId: session.id,
    orderId: uuidOrNull(session.client_reference_id),
    amountMinor: amountMinor ?? null,
    currency,
  };
}

const uuidOrNull = (text: string | null): string | null => (text !== null && UUID.test(text) ? text : null);
