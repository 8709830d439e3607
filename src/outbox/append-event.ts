/**
 * Who is told of what. The compiler refuses an event that nobody receives; one that nobody needs is not written.
 *
 * That an order is finished unpaid is no event: the order itself says so until its units are back (`released_version`),
 * and compensation reads that in batches, without a queue.
 */
export const CONSUMERS = {
  'order.reserved': ['payment'],
  'order.paid': ['rewards'],
  'refund.due': ['refunds'],
} as const satisfies Record<string, readonly [string, ...string[]]>;

export type OrderEvent = keyof typeof CONSUMERS;
export type Consumer = (typeof CONSUMERS)[OrderEvent][number];

/**
 * SQL that writes an event next to the change it announces, as a part of the statement that makes the change: both are
 * committed, or neither. One row for each consumer.
 *
 * @param source a table expression of that statement, with the columns `sale_id` and `order_id`.
 */
export const appendEvents = (event: OrderEvent, source: string): string => `
  INSERT INTO outbox_events (consumer, event, sale_id, order_id)
  SELECT consumer, '${event}', sale_id, order_id
  FROM ${source}, unnest(ARRAY[${CONSUMERS[event].map((consumer) => `'${consumer}'`).join(', ')}]) AS consumer`;
