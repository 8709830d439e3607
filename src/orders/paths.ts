import { Problem, problemType } from '../platform/http/problem.js';
import { INVALID_ID } from '../platform/http/problems.js';
import { UUID } from '../platform/http/shapes.js';

const NO_UUID = new Problem(INVALID_ID, 'Identifiers are lower-case UUIDs.');

/** @throws Problem `invalid-id` */
export function requireUuid(text: string): string {
  if (!UUID.test(text)) throw NO_UUID;
  return text;
}

export const salePath = (saleId: string): string => `/v1/sales/${saleId}`;
export const orderPath = (saleId: string, orderId: string): string => `/v1/sales/${saleId}/orders/${orderId}`;

export const SALE_NOT_FOUND = new Problem(
  problemType('sale-not-found', 404, {
    title: 'There is no such sale',
    when: 'No sale has this id.',
    next: 'Take the id from `GET /v1/sales`.',
  }),
  'No sale has this id.',
);

export const SALE_ENDED = problemType('sale-ended', 409, {
  title: 'The sale is over',
  when: 'The `endsAt` of the sale has come, or an operator has ended or sealed it.',
  next: 'Give up: no more orders are taken. A key that has an order still gets it.',
});

/** Also the answer about somebody else's order: whether it exists is nobody's business. */
export const ORDER_NOT_FOUND = new Problem(
  problemType('order-not-found', 404, {
    title: 'There is no such order',
    when: 'There is no order with this id in this sale, or it is the order of somebody else.',
    next: 'Use the `Location` that the order was accepted with, and the token of its buyer.',
  }),
  'You have no order with this id in this sale.',
);
