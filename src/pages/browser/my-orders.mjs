/** @import { Answer, Order, Problem } from './types.mjs' */
import { byId, fill, ListView, write } from './dom.mjs';
import { some, words } from './format.mjs';
import { OrderCard } from './order-card.mjs';
import { followOrder, isWaiting } from './order-events.mjs';
import { Poll } from './poll.mjs';
import { problemBox } from './problem.mjs';

/** Makes good what no stream shows: orders of other windows, refunds, points. */
const LOOK_EVERY_MS = 5_000;

/** Streams of this window. A browser holds six connections to a server, those of other windows among them. */
const STREAMS_MAX = 2;

/** The buyer's orders, newest first, as they change. */
export class MyOrders {
  /** @type {Map<string, Order>} */
  #orders = new Map();
  /** @type {Map<string, AbortController>} */
  #streams = new Map();
  /** Where the orders go on that are not shown. @type {string | null} */
  #cursor = null;
  #api;
  #session;
  #view;
  #poll;

  /**
   * @param {import('./api.mjs').Api} api
   * @param {import('./session.mjs').Session} session
   * @param {(saleId: string) => string} nameOf
   */
  constructor(api, session, nameOf) {
    this.#api = api;
    this.#session = session;
    this.#view = new ListView(
      byId('orders'),
      (/** @type {Order} */ { orderId }) => orderId,
      () => new OrderCard(api, nameOf, (order) => this.#take(order)),
    );
    byId('older').addEventListener('click', () => void this.#showOlder());
    session.addEventListener('change', () => this.#forBuyer());
    document.addEventListener('visibilitychange', () => this.#follow());
    this.#forBuyer();
    this.#poll = new Poll(() => this.#look(), LOOK_EVERY_MS);
  }

  /** An order of which only its acceptance is known. @param {Pick<Order, 'saleId' | 'orderId'>} order */
  async placed({ saleId, orderId }) {
    /** @type {Answer<Order>} */
    const answer = await this.#api.get(`/v1/sales/${saleId}/orders/${orderId}`);
    if (!answer.ok) return this.#poll.now();
    this.#take(answer.body);
    this.#view.views.get(orderId)?.element.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }

  #forBuyer() {
    this.#orders.clear();
    this.#cursor = null;
    this.#show();
    byId('mine').hidden = this.#session.token === null;
    byId('no-orders').hidden = true; // until it is known
    write(byId('points'), '');
    this.#poll?.now();
  }

  /** @returns {Promise<Problem | null>} */
  async #look() {
    const { token } = this.#session;
    if (!token) return null;
    /** @type {[Answer<{ orders: Order[], nextCursor: string | null }>, Answer<{ points: number }>]} */
    const [listed, rewards] = await Promise.all([this.#api.get('/v1/orders'), this.#api.get('/v1/rewards')]);
    if (token !== this.#session.token) return null; // of somebody else by now
    fill(byId('orders-problem'), !listed.ok && problemBox(listed.problem, 'This page goes on trying.'));
    if (rewards.ok) write(byId('points'), some(rewards.body.points, 'point'));
    if (!listed.ok) return listed.problem;
    if (this.#orders.size === 0) this.#cursor = listed.body.nextCursor;
    for (const order of listed.body.orders) this.#remember(order);
    byId('no-orders').hidden = this.#orders.size > 0;
    this.#show();
    return rewards.ok ? null : rewards.problem;
  }

  async #showOlder() {
    if (!this.#cursor) return;
    /** @type {Answer<{ orders: Order[], nextCursor: string | null }>} */
    const answer = await this.#api.get(`/v1/orders?cursor=${encodeURIComponent(this.#cursor)}`);
    if (!answer.ok) return fill(byId('orders-problem'), problemBox(answer.problem));
    this.#cursor = answer.body.nextCursor;
    for (const order of answer.body.orders) this.#remember(order);
    this.#show();
  }

  /** @param {Order} order */
  #take(order) {
    const before = this.#orders.get(order.orderId)?.status;
    this.#remember(order);
    this.#show();
    if (before === order.status) return;
    write(byId('said'), `An order is ${words(order.status)}.`);
    if (order.status === 'paid') this.#poll.now(); // for its points
  }

  /** The list may be older than what a stream has shown meanwhile. @param {Order} order */
  #remember(order) {
    const known = this.#orders.get(order.orderId);
    if (!known || known.history.length <= order.history.length) this.#orders.set(order.orderId, order);
  }

  #show() {
    const newestFirst = [...this.#orders.values()].sort((a, b) => (a.orderId < b.orderId ? 1 : -1));
    this.#view.show(newestFirst);
    if (newestFirst.length > 0) byId('no-orders').hidden = true;
    byId('older').hidden = this.#cursor === null;
    this.#follow();
  }

  /** One stream for each of the newest orders that wait, while somebody looks. */
  #follow() {
    const waiting = [...this.#orders.values()].filter(isWaiting).sort((a, b) => (a.orderId < b.orderId ? 1 : -1));
    const wanted = document.hidden ? [] : waiting.slice(0, STREAMS_MAX);
    for (const [orderId, stream] of this.#streams) {
      if (!wanted.some((order) => order.orderId === orderId)) stream.abort();
    }
    for (const order of wanted) {
      if (!this.#streams.has(order.orderId)) void this.#stream(order);
    }
  }

  /** @param {Order} order */
  async #stream(order) {
    const stream = new AbortController();
    this.#streams.set(order.orderId, stream);
    const onOrder = (/** @type {Order} */ now) => !stream.signal.aborted && this.#take(now);
    await followOrder(this.#api, order, { signal: stream.signal, onOrder });
    this.#streams.delete(order.orderId);
  }
}
