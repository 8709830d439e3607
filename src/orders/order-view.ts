import type { HeldOrder } from '../stock/buyer-record.js';
import type { OrderStatus } from './order-status.js';
import type { SaleTerms } from './sale-terms.js';

/** An order as Postgres has it; `null` times have not come. */
export interface OrderRow {
  orderId: string;
  saleId: string;
  buyer: string;
  quantity: number;
  amountMinor: number;
  currency: string;
  status: OrderStatus;
  decidedAt: Date;
  storedAt: Date;
  expiresAt: Date;
  finishedAt: Date | null;
  /** Null until the gateway has made a payment for it. */
  paymentUrl: string | null;
  /** Of money that came and could not pay it. */
  refund: 'due' | 'done' | null;
}

export interface QueuePosition {
  /** Orders of the same lane that are to be stored before this one. */
  ahead: number;
  etaSeconds: number;
}

/** An order as its buyer sees it (contract: Order). */
export interface OrderView {
  orderId: string;
  saleId: string;
  quantity: number;
  amountMinor: number;
  currency: string;
  status: OrderStatus | 'queued';
  acceptedAt: string;
  expiresAt: string | null;
  paymentUrl: string | null;
  queue?: QueuePosition;
  refund: null | { status: 'due' | 'done' };
  history: { status: OrderStatus; at: string }[];
}

export function viewStoredOrder(row: OrderRow): OrderView {
  // A rejected order is born final: it never waited for its payment.
  const hasWaited = row.status !== 'rejected';
  const history: OrderView['history'] = hasWaited
    ? [{ status: 'pending_payment', at: row.storedAt.toISOString() }]
    : [];
  if (row.finishedAt) history.push({ status: row.status, at: row.finishedAt.toISOString() });
  return {
    orderId: row.orderId,
    saleId: row.saleId,
    quantity: row.quantity,
    amountMinor: row.amountMinor,
    currency: row.currency,
    status: row.status,
    acceptedAt: row.decidedAt.toISOString(),
    expiresAt: hasWaited ? row.expiresAt.toISOString() : null,
    paymentUrl: row.status === 'pending_payment' ? row.paymentUrl : null,
    refund: row.refund && { status: row.refund },
    history,
  };
}

/** An order that Redis has accepted and Postgres has not stored yet. Its time to pay begins when it is stored. */
export function viewQueuedOrder(held: HeldOrder, terms: SaleTerms, queue: QueuePosition): OrderView {
  return {
    orderId: held.orderId,
    saleId: terms.saleId,
    quantity: held.quantity,
    amountMinor: held.quantity * terms.priceMinor,
    currency: terms.currency,
    status: 'queued',
    acceptedAt: new Date(held.decidedAtMs).toISOString(),
    expiresAt: null,
    paymentUrl: null,
    queue,
    refund: null,
    history: [],
  };
}
