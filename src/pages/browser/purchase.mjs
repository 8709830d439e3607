/** @import { Order, Problem } from './types.mjs' */
import { fill, h } from './dom.mjs';
import { some } from './format.mjs';
import { dropWish, keepWish, openWish, placeOrder } from './place-order.mjs';
import { problemBox } from './problem.mjs';

/**
 * What becomes of the button "Buy": sends the order until its outcome is known, and says so meanwhile. A wish that was left
 * open, by a reload or a lost connection, is taken up again with its own key.
 */
export class Purchase {
  element = h('div', { class: 'purchase', role: 'status' });
  isBusy = false;
  #saleId;
  #parts;

  /**
   * @param {string} saleId
   * @param {{ api: import('./api.mjs').Api, session: import('./session.mjs').Session,
   *   onOrder: (order: Pick<Order, 'saleId' | 'orderId'>) => void, onBusy: (isBusy: boolean) => void }} parts
   */
  constructor(saleId, parts) {
    this.#saleId = saleId;
    this.#parts = parts;
  }

  /** Another buyer, or none any more: what the last one was told is not theirs. */
  forBuyer() {
    if (this.isBusy) return; // ends by itself: the token is gone
    const { token, refusal } = this.#parts.session;
    if (!token && refusal) return; // said where the token is asked for; here stands what it means for the order
    fill(this.element);
    const wish = token && this.#open();
    if (wish) void this.buy(wish.quantity);
  }

  /** @param {number} quantity unless a wish is open: that one is settled first */
  async buy(quantity) {
    const wish = this.#open() ?? { buyer: this.#buyer, saleId: this.#saleId, quantity, key: crypto.randomUUID() };
    const stop = new AbortController();
    keepWish(wish);
    this.#setBusy(true);
    fill(this.element, h('p', { class: 'note' }, `Ordering ${some(wish.quantity, 'unit')} …`));
    const outcome = await placeOrder(this.#parts.api, wish, {
      signal: stop.signal,
      onWait: (waiting) => this.#showWaiting(waiting, stop),
    });
    const isKnown = 'order' in outcome || !outcome.mayBeTaken;
    if (isKnown) dropWish(wish);
    this.#setBusy(false);
    if ('order' in outcome) {
      const { quantity } = outcome.order;
      const text = `Accepted: ${some(quantity, 'unit')}. See your orders.`;
      fill(this.element, h('p', { class: 'note good' }, text));
      this.#parts.onOrder(outcome.order);
    } else {
      fill(this.element, problemBox(outcome.problem, isKnown ? '' : UNKNOWN));
    }
  }

  /**
   * @param {{ problem: Problem, waitMs: number, mayBeTaken: boolean }} waiting
   * @param {AbortController} stop
   */
  #showWaiting({ problem, waitMs, mayBeTaken }, stop) {
    const taken = mayBeTaken && problem.slug !== 'outcome-unknown' ? 'Your order may have been taken. ' : '';
    const seconds = Math.ceil(waitMs / 1000);
    const box = problemBox(
      problem,
      `${taken}Asking again in ${seconds} s, with the same key: you cannot buy twice by it.`,
    );
    box.className = 'note';
    fill(
      this.element,
      box,
      h('button', { type: 'button', class: 'quiet small', click: () => stop.abort() }, 'Stop asking'),
    );
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.isBusy = isBusy;
    this.#parts.onBusy(isBusy);
  }

  #open() {
    return openWish({ buyer: this.#buyer, saleId: this.#saleId });
  }

  get #buyer() {
    return this.#parts.session.subject;
  }
}

const UNKNOWN =
  'Your order may have been taken: look among your orders, or buy again. This page then asks with the same key, so you cannot buy twice by it.';
