/** @import { Problem } from './types.mjs' */
/** @import { Sample } from './metrics.mjs' */
import { Chart } from './chart.mjs';
import { byId, fill, h } from './dom.mjs';
import { number } from './format.mjs';
import { samplesOf, sum } from './metrics.mjs';
import { problemBox } from './problem.mjs';

/** What this API process is doing now, from its metrics: how fast it accepts, and how far storing is behind. */
export class Monitor {
  #accepted = new Chart('Orders accepted', 'a second, by this API process');
  #backlog = new Chart('Backlog', 'decisions that are not recorded yet');
  /** @type {{ accepted: number, atMs: number } | null} */
  #before = null;
  #api;
  #session;

  /**
   * @param {import('./api.mjs').Api} api
   * @param {import('./session.mjs').Session} session
   */
  constructor(api, session) {
    this.#api = api;
    this.#session = session;
    byId('charts').append(this.#accepted.element, this.#backlog.element);
  }

  /** @returns {Promise<Problem | null>} */
  async look() {
    if (!this.#session.token) return null;
    const answer = await this.#api.getText('/metrics');
    if (!answer.ok) {
      fill(byId('metrics-problem'), answer.problem.status === 404 ? elsewhere() : problemBox(answer.problem));
      this.#note(null, null);
      return answer.problem;
    }
    fill(byId('metrics-problem'));
    const read = (/** @type {string} */ name) => samplesOf(answer.body, name);
    const accepted = read('stampede_order_requests_total').filter(({ labels }) => labels.outcome === 'accepted');
    this.#note(sum(accepted) ?? 0, sum(read('stampede_backlog_decisions')));
    showLanes(read);
    return null;
  }

  /**
   * @param {number | null} accepted
   * @param {number | null} backlog
   */
  #note(accepted, backlog) {
    const atMs = performance.now();
    const before = this.#before;
    this.#before = accepted === null ? null : { accepted, atMs };
    const isNext = accepted !== null && before !== null && accepted >= before.accepted; // it counts from 0 after a restart
    this.#accepted.add(isNext ? ((accepted - before.accepted) * 1000) / (atMs - before.atMs) : null);
    this.#backlog.add(backlog);
  }
}

const elsewhere = () =>
  h(
    'p',
    { class: 'note' },
    'Metrics are served on a listener of their own here (METRICS_PORT), which this page cannot reach.',
  );

/** @param {(name: string) => Sample[]} read */
function showLanes(read) {
  const of = (/** @type {string} */ name, /** @type {string} */ lane) =>
    read(name).find(({ labels }) => labels.lane === lane)?.value ?? 0;
  const lanes = read('stampede_lane_open').map(({ labels }) => labels.lane ?? '');
  fill(
    byId('lanes'),
    ...lanes.map((lane) => {
      const isOpen = of('stampede_lane_open', lane) === 1;
      return h(
        'tr',
        {},
        h('th', { scope: 'row' }, lane),
        h('td', {}, h('span', { class: `badge ${isOpen ? 'open' : 'closed'}` }, isOpen ? 'Open' : 'Closed')),
        h('td', {}, number(of('stampede_lane_epoch', lane))),
        h('td', {}, number(of('stampede_backlog_decisions', lane))),
        h('td', {}, `${of('stampede_backlog_age_seconds', lane).toFixed(1)} s`),
      );
    }),
  );
}
