import type { Consumer } from './append-event.js';

/** What a consumer is handed, as a job of its queue. It may come again, at any time, until its row is struck off. */
export interface EventJob {
  eventId: number;
  saleId: string;
  orderId: string;
}

/** The queue of a consumer. */
export const queueOf = (consumer: Consumer): string => consumer;

/**
 * SQL that strikes events off, as a part of the statement that has their effect. An event that is not there was dealt with
 * before: its effect must not come again, so let the effect follow from what this RETURNS (event_id, sale_id, order_id).
 *
 * @param eventIds an expression of type bigint[].
 */
export const strikeOff = (consumer: Consumer, eventIds: string): string => `
  DELETE FROM outbox_events WHERE consumer = '${consumer}' AND event_id = ANY(${eventIds})
  RETURNING event_id, sale_id, order_id`;
