/** @import { Answer, Audit, CountedSale, Problem } from './types.mjs' */
import { auditReport } from './audit-report.mjs';
import { countDown } from './clock.mjs';
import { ask, field } from './dialog.mjs';
import { fill, h, write } from './dom.mjs';
import { money, moment, number, words } from './format.mjs';
import { problemBox } from './problem.mjs';

const COUNTERS = /** @type {const} */ (['sold', 'held', 'queued', 'available']);

/** One sale for its operator: where its units are, and what can be done about it. */
export class SalePanel {
  #title = h('h3');
  #badge = h('span', { class: 'badge' });
  #facts = h('p', { class: 'fine' });
  #time = h('span');
  #letters = h('a', { href: '#letters-title', class: 'badge bad' });
  #shares = COUNTERS.map((name) => h('span', { class: name }));
  #figures = COUNTERS.map(() => h('dd'));
  #total = h('dd');
  #said = h('div', { class: 'said', role: 'status' });
  #pause = this.#button('Pause', () => this.#steer('pause'));
  #resume = this.#button('Resume', () => this.#steer('resume'));
  #end = this.#button('End …', () => this.#askToEnd());
  #adjust = this.#button('Adjust stock …', () => this.#askToAdjust());
  /** @type {CountedSale | null} */
  #sale = null;
  /** Kept while its outcome is not known: the same adjustment, sent again, is made once. @type {{ key: string, said: string } | null} */
  #adjusting = null;
  #api;
  #onChange;

  /**
   * @param {import('./api.mjs').Api} api
   * @param {() => void} onChange
   */
  constructor(api, onChange) {
    this.#api = api;
    this.#onChange = onChange;
    const figures = COUNTERS.map((name, index) =>
      h('div', { class: name }, h('dt', {}, words(name)), this.#figures[index]),
    );
    this.element = h(
      'article',
      { class: 'card panel' },
      h('p', { class: 'row between' }, this.#title, h('span', { class: 'row' }, this.#letters, this.#badge)),
      this.#facts,
      h('div', { class: 'shares', 'aria-hidden': 'true' }, ...this.#shares),
      h('dl', { class: 'figures' }, ...figures, h('div', {}, h('dt', {}, 'total'), this.#total)),
      h(
        'div',
        { class: 'row' },
        this.#button('Audit', () => this.#audit()),
        this.#pause,
        this.#resume,
        this.#adjust,
        this.#button('Rebuild …', () => this.#askToRebuild()),
        this.#end,
      ),
      this.#said,
    );
  }

  /** @param {CountedSale} sale */
  update(sale) {
    const isNew = this.#sale === null;
    this.#sale = sale;
    const { status, counters, stock } = sale;
    write(this.#title, sale.name);
    write(this.#badge, words(status));
    this.#badge.className = `badge ${status}`;
    this.#letters.hidden = counters.deadLetters === 0;
    write(this.#letters, `${counters.deadLetters} dead ${counters.deadLetters === 1 ? 'letter' : 'letters'}`);
    COUNTERS.forEach((name, index) => {
      write(/** @type {Element} */ (this.#figures[index]), number(counters[name]));
      /** @type {HTMLElement} */ (this.#shares[index]).style.flexGrow = String(
        counters[name] / Math.max(1, stock.total),
      );
    });
    write(this.#total, number(stock.total));
    const isOver = status === 'ended' || status === 'sealed';
    this.#pause.hidden = isOver || status === 'paused';
    this.#resume.hidden = status !== 'paused';
    this.#end.hidden = this.#adjust.hidden = isOver;
    if (isNew) this.#showFacts(sale);
    const [until, verb] = status === 'scheduled' ? [sale.startsAt, 'starts'] : [sale.endsAt, 'ends'];
    if (isOver) write(this.#time, `ended, last day ${moment(sale.endsAt)}`);
    else countDown(this.#time, until, { words: (left) => `${verb} in ${left}`, over: `${verb} now` });
  }

  /** What does not change. @param {CountedSale} sale */
  #showFacts(sale) {
    const price = money(sale.priceMinor, sale.currency);
    fill(
      this.#facts,
      `${sale.sku} · ${price} · ${sale.perUserLimit} each · `,
      this.#time,
      ' · ',
      h('code', {}, sale.saleId),
    );
  }

  /** @param {'pause' | 'resume' | 'end'} order */
  async #steer(order) {
    /** @type {Answer<unknown>} */
    const answer = await this.#api.post(`/v1/admin/sales/${this.#id}/${order}`);
    this.#tell(answer, `Done: ${order}.`);
  }

  async #askToEnd() {
    const text =
      'No more orders are taken, and it cannot be opened again. Orders that wait for their payment may still be paid.';
    const wish = await ask({ title: `End ${this.#name}?`, text, action: 'End the sale', isGrave: true });
    if (wish) await this.#steer('end');
  }

  async #askToRebuild() {
    const text =
      'Its lanes are closed and made anew from PostgreSQL, under a new epoch. Every sale on them answers 503 meanwhile: seconds, for a million orders about twenty.';
    const wish = await ask({ title: `Rebuild the lanes of ${this.#name}?`, text, action: 'Rebuild', isGrave: true });
    if (!wish) return;
    /** @type {Answer<{ lanes: number[] }>} */
    const answer = await this.#api.post(`/v1/admin/sales/${this.#id}/rebuild`);
    this.#tell(answer, answer.ok ? `Asked for: lane ${answer.body.lanes.join(', ')}. Watch the table of lanes.` : '');
  }

  async #askToAdjust() {
    const fields = [
      field('Units more, or fewer with a minus', { name: 'delta', type: 'number', step: 1, required: true }),
      field('Reason, which is kept on record', { name: 'reason', maxlength: 500, required: true }),
    ];
    const text = 'It is in force at once. Only units that nobody holds can be taken away.';
    const wish = await ask({ title: `Adjust the stock of ${this.#name}`, text, action: 'Adjust', fields });
    if (!wish) return;
    const body = { delta: Number(wish.get('delta')), reason: String(wish.get('reason')) };
    const said = JSON.stringify(body);
    const key = this.#adjusting?.said === said ? this.#adjusting.key : crypto.randomUUID();
    /** @type {Answer<unknown>} */
    const answer = await this.#api.post(`/v1/admin/sales/${this.#id}/stock-adjustments`, { body, key });
    this.#adjusting = !answer.ok && answer.problem.isUnknown ? { key, said } : null;
    this.#tell(answer, `${body.delta > 0 ? `${number(body.delta)} more` : `${number(-body.delta)} fewer`}.`);
  }

  async #audit() {
    fill(this.#said, h('p', { class: 'note' }, 'Comparing the books …'));
    /** @type {Answer<Audit>} */
    const answer = await this.#api.get(`/v1/admin/sales/${this.#id}/audit`);
    fill(this.#said, answer.ok ? auditReport(answer.body) : problemBox(answer.problem));
  }

  /**
   * @param {Answer<unknown>} answer
   * @param {string} success
   */
  #tell(answer, success) {
    fill(this.#said, answer.ok ? h('p', { class: 'note good' }, success) : problemBox(answer.problem));
    this.#onChange();
  }

  /**
   * A button that is obeyed once at a time. It keeps the focus meanwhile, as a disabled one would not.
   *
   * @param {string} label
   * @param {() => Promise<void>} act
   */
  #button(label, act) {
    let isObeyed = false;
    const click = async () => {
      if (isObeyed) return;
      isObeyed = true;
      await act();
      isObeyed = false;
    };
    return h('button', { type: 'button', class: 'quiet small', click: () => void click() }, label);
  }

  get #id() {
    return this.#sale?.saleId ?? '';
  }

  get #name() {
    return this.#sale?.name ?? '';
  }
}
