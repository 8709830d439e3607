/** @import { Order, Problem } from './types.mjs' */
import { pauseMs, sleep } from './poll.mjs';

/** With growing pauses some three minutes: what is away for longer is not back at once. */
const ATTEMPTS_MAX = 10;

/**
 * A wish to buy. It keeps its key until its outcome is known, over reloads too, so that it is never carried out twice.
 *
 * @typedef {{ buyer: string, saleId: string, quantity: number, key: string }} Wish
 */

/**
 * Sends an order until the answer is certain: what may have been done, and what was refused only for now, is sent again with
 * the same key.
 *
 * @param {import('./api.mjs').Api} api
 * @param {Wish} wish
 * @param {{ signal: AbortSignal, onWait: (waiting: { problem: Problem, waitMs: number, mayBeTaken: boolean }) => void }} options
 * @returns {Promise<{ order: Pick<Order, 'saleId' | 'orderId' | 'quantity' | 'acceptedAt'> } | { problem: Problem, mayBeTaken: boolean }>}
 */
export async function placeOrder(api, { saleId, quantity, key }, { signal, onWait }) {
  let mayBeTaken = false;
  for (let attempt = 1; ; attempt++) {
    const answer = await api.post(`/v1/sales/${saleId}/orders`, { body: { quantity }, key });
    if (answer.ok) return { order: answer.body };
    const { problem } = answer;
    if (problem.isUnknown) mayBeTaken = true;
    if (problem.status === 409) mayBeTaken = false; // a key that has its order is answered with it, never refused
    if (!problem.isTemporary || attempt === ATTEMPTS_MAX || signal.aborted) return { problem, mayBeTaken };
    const waitMs = pauseMs(attempt, problem.retryAfterMs);
    onWait({ problem, waitMs, mayBeTaken });
    await sleep(waitMs, signal);
    if (signal.aborted) return { problem, mayBeTaken };
  }
}

/** @param {Pick<Wish, 'buyer' | 'saleId'>} wish */
const nameOf = ({ buyer, saleId }) => `stampede.wish.${buyer}.${saleId}`;

/**
 * The wish of this window whose outcome is not known yet.
 *
 * @param {Pick<Wish, 'buyer' | 'saleId'>} of
 * @returns {Wish | null}
 */
export const openWish = (of) => JSON.parse(sessionStorage.getItem(nameOf(of)) ?? 'null');

/** @param {Wish} wish */
export const keepWish = (wish) => sessionStorage.setItem(nameOf(wish), JSON.stringify(wish));

/** @param {Wish} wish */
export const dropWish = (wish) => sessionStorage.removeItem(nameOf(wish));
