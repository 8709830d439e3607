import { z } from 'zod';
import { count, identifier, instant } from '../platform/http/shapes.js';
import type { HeldOrder } from '../stock/buyer-record.js';
import { ORDER_STATUSES, type OrderStatus } from './order-status.js';
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

const AN_ORDER = {
  orderId: '0199f3a2-6c2d-7e5f-9071-8293a4b5c6d7',
  saleId: '0199f3a2-5b1c-7d4e-8f60-718293a4b5c6',
  quantity: 1,
  amountMinor: 1999,
  currency: 'USD',
  status: 'pending_payment',
  acceptedAt: '2026-11-27T08:00:00.123Z',
  expiresAt: '2026-11-27T08:15:00.130Z',
  paymentUrl: 'https://pay.example/p/1',
  refund: null,
  history: [{ status: 'pending_payment', at: '2026-11-27T08:00:00.130Z' }],
};

const queuePosition = z
  .object({
    ahead: count.meta({ description: 'Orders of the same lane that are to be stored before this one' }),
    etaSeconds: z.int().min(1),
  })
  .meta({ description: 'Only while queued' });
export type QueuePosition = z.infer<typeof queuePosition>;

/** An order as its buyer sees it. */
export const orderShape = z
  .object({
    orderId: identifier,
    saleId: identifier,
    quantity: z.int().min(1),
    amountMinor: count,
    currency: z.string(),
    status: z.enum(['queued', ...ORDER_STATUSES]),
    acceptedAt: instant,
    expiresAt: instant.nullable(),
    paymentUrl: z.string().nullable().meta({ description: 'Where the buyer pays, while there is something to pay' }),
    queue: queuePosition.optional(),
    refund: z
      .object({ status: z.enum(['due', 'done']) })
      .nullable()
      .meta({ description: 'Of money that came and could not pay it' }),
    history: z.array(z.object({ status: z.enum(ORDER_STATUSES), at: instant })),
  })
  .meta({ id: 'Order', examples: [AN_ORDER] });
export type OrderView = z.infer<typeof orderShape>;

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
