import type { OrderStatus } from '../orders/order-status.js';
import type { GatewayEvent } from './payment-gateway.js';

/** A webhook as it is kept. */
export interface KeptEvent extends GatewayEvent {
  /** For how long it has waited to be applied. */
  ageSeconds: number;
}

/** The order that a webhook is about, locked. */
export interface JudgedOrder {
  saleId: string;
  orderId: string;
  status: OrderStatus;
  amountMinor: number;
  currency: string;
  /** The payments that the gateway has charged for it. */
  capturedPaymentIds: readonly string[];
}

/** What becomes of a webhook; all but `wait` are final. */
export const OUTCOMES = [
  'paid', // the order is paid with it
  'refund-due', // the order could not be paid with it any more: the money goes back
  'repeated', // known already
  'other-amount', // not what the order costs: a human decides
  'payment-failed', // noted: the buyer may try again until the order expires
  'refund-done',
  'unknown-order', // nobody has stored such an order within a day
  'unknown-type',
] as const;
export type WebhookOutcome = (typeof OUTCOMES)[number];

/** An order is stored within seconds after its acceptance; a worker that is down for a night is made good by then. */
export const WAIT_FOR_ORDER_SECONDS_MAX = 24 * 60 * 60;

/** Pure. Money is looked at before the status: what was not ordered neither pays nor is refunded by itself. */
export function judgeWebhook(event: KeptEvent, order: JudgedOrder | undefined): WebhookOutcome | 'wait' {
  switch (event.type) {
    case 'payment.succeeded':
      return judgeMoney(event, order);
    case 'payment.failed':
      return 'payment-failed';
    case 'refund.succeeded':
      return 'refund-done';
    default:
      return 'unknown-type';
  }
}

function judgeMoney(event: KeptEvent, order: JudgedOrder | undefined): WebhookOutcome | 'wait' {
  if (event.paymentId === null || event.orderId === null) return 'unknown-order';
  if (!order) return event.ageSeconds < WAIT_FOR_ORDER_SECONDS_MAX ? 'wait' : 'unknown-order';
  if (order.capturedPaymentIds.includes(event.paymentId)) return 'repeated';
  if (event.amountMinor !== order.amountMinor || event.currency !== order.currency) return 'other-amount';
  return order.status === 'pending_payment' ? 'paid' : 'refund-due';
}
