/**
 * The life of an order.
 *
 *   pending_payment ──► paid
 *          ├──────────► expired
 *          └──────────► cancelled
 *
 * The three on the right are final. `rejected` is born final, from a discarded dead letter.
 */
export const NEXT_STATUSES = {
  pending_payment: ['paid', 'expired', 'cancelled'],
  paid: [],
  expired: [],
  cancelled: [],
  rejected: [],
} as const;

export type OrderStatus = keyof typeof NEXT_STATUSES;
export const ORDER_STATUSES = Object.keys(NEXT_STATUSES) as OrderStatus[];
