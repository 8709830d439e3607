/** @import { Order, Problem, Sale } from './types.mjs' */
import { countDown, stopCounting } from './clock.mjs';
import { byId, fill, h, write } from './dom.mjs';
import { duration, money, moment, number, some, words } from './format.mjs';
import { Purchase } from './purchase.mjs';

/** What a buyer is told of a sale's status. */
const STATUS = {
  scheduled: 'Not yet',
  open: 'On sale',
  paused: 'Paused',
  sold_out: 'Sold out',
  unavailable: 'Back in a moment',
  ended: 'Over',
  sealed: 'Over',
};

/** One sale, as it goes on, and the buttons to buy from it. */
export class SaleCard {
  /** @type {Sale} */
  #sale;
  #session;
  #badge = h('span', { class: 'badge' });
  #price = h('p', { class: 'price' });
  #bar = h('progress', { 'aria-hidden': 'true' });
  #left = h('span', { class: 'left' });
  #time = h('span', { class: 'soft' });
  #facts = h('p', { class: 'fine' });
  #quantity = h('select', { change: () => this.#label() });
  #buy = h('button', { class: 'primary' });
  #purchase;

  /**
   * @param {Sale} sale
   * @param {{ api: import('./api.mjs').Api, session: import('./session.mjs').Session,
   *   onOrder: (order: Pick<Order, 'saleId' | 'orderId'>) => void }} parts
   */
  constructor(sale, { api, session, onOrder }) {
    this.#sale = sale;
    this.#session = session;
    const onBusy = (/** @type {boolean} */ isBusy) => this.#setBusy(isBusy);
    this.#purchase = new Purchase(sale.saleId, { api, session, onOrder, onBusy });
    this.element = h(
      'article',
      { class: 'card sale' },
      h(
        'div',
        { class: 'goods' },
        h('p', { class: 'row between' }, h('span', { class: 'sku' }, sale.sku), this.#badge),
        h('h2', {}, sale.name),
        this.#price,
        this.#facts,
      ),
      h(
        'div',
        { class: 'counter' },
        h('p', { class: 'row between' }, this.#left, this.#time),
        this.#bar,
        h(
          'form',
          { class: 'row', submit: (event) => this.#submit(event) },
          h('label', { class: 'quantity' }, h('span', { class: 'unseen' }, `How many of ${sale.name}`), this.#quantity),
          this.#buy,
        ),
        this.#purchase.element,
      ),
    );
    this.#offer(sale.maxPerOrder);
    this.forBuyer();
  }

  /** @param {Sale} sale */
  update(sale) {
    this.#sale = sale;
    const { status, stock } = sale;
    write(this.#badge, STATUS[status] ?? words(status));
    this.#badge.hidden = status === 'open'; // the heading of the page says so
    this.#badge.className = `badge ${status}`;
    write(this.#price, money(sale.priceMinor, sale.currency));
    write(
      this.#left,
      status === 'sold_out' ? 'None left' : `${number(stock.available)} of ${number(stock.total)} left`,
    );
    this.#bar.max = Math.max(1, stock.total);
    this.#bar.value = stock.available;
    this.#bar.classList.toggle('few', stock.available * 10 <= stock.total);
    write(
      this.#facts,
      `${some(sale.perUserLimit, 'unit')} for each buyer · ${duration(sale.paymentWindowSeconds)} to pay` +
        (sale.requiresPass ? ' · with a purchase pass, which this page cannot ask for' : ''),
    );
    this.#showTime(sale);
    this.#label();
  }

  /** Another buyer, or none any more. */
  forBuyer() {
    this.#label();
    this.#purchase.forBuyer();
  }

  /** @param {Sale} sale */
  #showTime({ status, startsAt, endsAt }) {
    const [until, verb] = status === 'scheduled' ? [startsAt, 'Starts'] : [endsAt, 'Ends'];
    this.#time.title = moment(until);
    if (status === 'unavailable') {
      stopCounting(this.#time);
      return write(this.#time, '');
    }
    countDown(this.#time, until, { words: (left) => `${verb} in ${left}`, over: `${verb} now` });
  }

  /** @param {number} max */
  #offer(max) {
    fill(
      this.#quantity,
      ...Array.from({ length: max }, (_, index) => h('option', { value: index + 1 }, String(index + 1))),
    );
    this.#quantity.disabled = max === 1;
  }

  #label() {
    const { priceMinor, currency, status, requiresPass } = this.#sale;
    const count = Number(this.#quantity.value);
    this.#buy.disabled = status !== 'open' || requiresPass || this.#purchase.isBusy;
    if (status !== 'open') write(this.#buy, STATUS[status] ?? words(status));
    else if (!this.#session.token) write(this.#buy, 'Sign in to buy');
    else write(this.#buy, `Buy ${count} for ${money(priceMinor * count, currency)}`);
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.#quantity.disabled = isBusy || this.#sale.maxPerOrder === 1;
    this.#label();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    if (this.#buy.disabled) return; // the Enter key does not ask
    if (!this.#session.token) return byId('token').focus();
    void this.#purchase.buy(Number(this.#quantity.value));
  }
}
