/** @import { Order } from './types.mjs' */
import { pauseMs, sleep } from './poll.mjs';

/** Above the 15 s between two heartbeats of the server by more than twice: silence for so long means that nobody is there. */
const SILENT_MAX_MS = 40_000;

const WAITING = ['queued', 'pending_payment'];

/** @param {Order} order */
export const isWaiting = ({ status }) => WAITING.includes(status);

/**
 * Shows an order at each change, until its status is final or it is aborted. A stream that breaks is opened again.
 *
 * With `fetch`, since a browser's EventSource cannot send a token but in the address, where it would be kept in logs.
 *
 * @param {import('./api.mjs').Api} api
 * @param {Pick<Order, 'saleId' | 'orderId'>} order
 * @param {{ signal: AbortSignal, onOrder: (order: Order) => void }} options
 */
export async function followOrder(api, { saleId, orderId }, { signal, onOrder }) {
  for (let failures = 1; !signal.aborted; failures++) {
    const silence = new AbortController();
    const opening = setTimeout(() => silence.abort(), SILENT_MAX_MS);
    const either = AbortSignal.any([signal, silence.signal]);
    const answer = await api.stream(`/v1/sales/${saleId}/orders/${orderId}/events`, either);
    clearTimeout(opening);
    if (!answer.ok && !answer.problem.isTemporary) return;
    if (answer.ok) {
      for await (const data of eventsOf(answer.body, silence)) {
        const order = /** @type {Order} */ (JSON.parse(data));
        onOrder(order);
        if (!isWaiting(order)) return;
        failures = 1;
      }
    }
    await sleep(pauseMs(failures, answer.ok ? null : answer.problem.retryAfterMs), signal);
  }
}

/**
 * The data of each event of a stream, until it ends or breaks.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortController} silence aborted when nothing came for too long
 */
async function* eventsOf(body, silence) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (true) {
    const timer = setTimeout(() => silence.abort(), SILENT_MAX_MS);
    const chunk = await reader.read().catch(() => undefined);
    clearTimeout(timer);
    if (!chunk || chunk.done) return;
    text += decoder.decode(chunk.value, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield data;
    }
  }
}
