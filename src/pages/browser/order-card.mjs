/** @import { Answer, Order } from './types.mjs' */
import { countDown, stopCounting } from './clock.mjs';
import { ask } from './dialog.mjs';
import { fill, h, write } from './dom.mjs';
import { money, moment, number, some } from './format.mjs';
import { pauseMs, sleep } from './poll.mjs';
import { problemBox } from './problem.mjs';

const STATUS = {
  queued: 'Accepted',
  pending_payment: 'To be paid',
  paid: 'Paid',
  expired: 'Expired',
  cancelled: 'Cancelled',
  rejected: 'Rejected',
};

const AFTERWARDS = {
  paid: 'Thank you.',
  expired: 'The time to pay is over. Its units are on sale again.',
  cancelled: 'You gave it up. Its units are on sale again.',
  rejected: 'The shop could not keep this order. Nothing was charged for it.',
};

/** An order that is just being stored can be cancelled a moment later. */
const CANCEL_ATTEMPTS_MAX = 5;

/** One order as it goes on, with what its buyer can do about it. */
export class OrderCard {
  #badge = h('span', { class: 'badge' });
  #title = h('h3');
  #amount = h('span', { class: 'amount' });
  #text = h('p', { class: 'state' });
  #pay = h('a', { class: 'button primary' }, 'Pay');
  #cancel = h('button', { type: 'button', class: 'quiet', click: () => void this.#giveUp() }, 'Cancel');
  #actions = h('div', { class: 'row' }, this.#pay, this.#cancel);
  #problem = h('div', { role: 'status' });
  #history = h('ol', { class: 'history' });
  /** @type {Order | null} */
  #order = null;
  #api;
  #nameOf;
  #onOrder;

  /**
   * @param {import('./api.mjs').Api} api
   * @param {(saleId: string) => string} nameOf
   * @param {(order: Order) => void} onOrder
   */
  constructor(api, nameOf, onOrder) {
    this.#api = api;
    this.#nameOf = nameOf;
    this.#onOrder = onOrder;
    this.element = h(
      'article',
      { class: 'card order' },
      h('p', { class: 'row between' }, this.#title, this.#badge),
      this.#amount,
      this.#text,
      this.#actions,
      this.#problem,
      this.#history,
    );
  }

  /** @param {Order} order */
  update(order) {
    this.#order = order;
    const { status, history } = order;
    write(this.#title, `${number(order.quantity)} × ${this.#nameOf(order.saleId)}`);
    write(this.#badge, STATUS[status]);
    this.#badge.className = `badge ${status}`;
    write(this.#amount, money(order.amountMinor, order.currency));
    const mayPay = status === 'pending_payment' && isWebAddress(order.paymentUrl);
    this.#pay.hidden = !mayPay;
    if (mayPay && this.#pay.href !== order.paymentUrl) this.#pay.href = /** @type {string} */ (order.paymentUrl);
    this.#actions.hidden = this.#cancel.hidden = status !== 'queued' && status !== 'pending_payment';
    this.#showState(order);
    const steps = [{ status: 'queued', at: order.acceptedAt }, ...history];
    if (this.#history.childElementCount === steps.length) return;
    fill(this.#history, ...steps.map((step) => h('li', {}, `${HAPPENED[step.status]} `, time(step.at))));
  }

  /** @param {Order} order */
  #showState({ status, queue, expiresAt, paymentUrl, refund }) {
    if (status === 'pending_payment' && expiresAt) {
      const doing = paymentUrl ? 'Pay within' : 'The payment page is being made. Pay within';
      return countDown(this.#text, expiresAt, {
        words: (left) => `${doing} ${left}.`,
        over: 'The time to pay is over.',
      });
    }
    stopCounting(this.#text);
    const text = status === 'queued' || status === 'pending_payment' ? queueText(queue) : AFTERWARDS[status];
    const back = refund && (refund.status === 'done' ? 'Your money was given back.' : 'Your money is on its way back.');
    write(this.#text, [text, back].filter(Boolean).join(' '));
  }

  async #giveUp() {
    if (!this.#order) return;
    const { saleId, orderId, quantity } = this.#order;
    const text = `${some(quantity, 'unit')} will be on sale for others at once.`;
    if (!(await ask({ title: 'Give this order up?', text, action: 'Cancel the order', isGrave: true }))) return;
    this.#cancel.disabled = true;
    for (let attempt = 1; ; attempt++) {
      /** @type {Answer<Order>} */
      const answer = await this.#api.post(`/v1/sales/${saleId}/orders/${orderId}/cancel`);
      if (answer.ok) {
        fill(this.#problem);
        this.#onOrder(answer.body);
        break;
      }
      fill(this.#problem, problemBox(answer.problem));
      const { isTemporary, slug, retryAfterMs } = answer.problem;
      if (!(isTemporary || slug === 'order-queued') || attempt === CANCEL_ATTEMPTS_MAX) break;
      await sleep(pauseMs(attempt, retryAfterMs)); // cancelling twice is as good as once
    }
    this.#cancel.disabled = false;
  }
}

/** @type {Record<string, string>} */
const HAPPENED = { ...STATUS, pending_payment: 'Stored' };

/** @param {Order['queue']} queue */
const queueText = (queue) =>
  queue && queue.ahead > 0
    ? `It is yours. ${some(queue.ahead, 'order')} before it are being stored, which takes about ${queue.etaSeconds} s.`
    : 'It is yours, and is being stored.';

/** @param {string} at */
const time = (at) => h('time', { datetime: at }, moment(at));

/** A link that runs a script would be somebody else's way in. @param {string | null} url */
const isWebAddress = (url) => url !== null && /^https?:\/\//.test(url);
