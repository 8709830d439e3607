/** @import { Answer, CountedSale, Problem } from './types.mjs' */
import { Api } from './api.mjs';
import { learnTime } from './clock.mjs';
import { byId, fill, ListView, write } from './dom.mjs';
import { LetterDesk } from './letter-desk.mjs';
import { Monitor } from './monitor.mjs';
import { Poll } from './poll.mjs';
import { problemBox } from './problem.mjs';
import { SalePanel } from './sale-panel.mjs';
import { Session } from './session.mjs';
import { showSession } from './sign-in.mjs';

/** The counters are summed over all orders each time; `Poll` asks a large shop less often by itself. */
const LOOK_AT_SALES_EVERY_MS = 3_000;
const LOOK_AT_LETTERS_EVERY_MS = 10_000;
const LOOK_AT_METRICS_EVERY_MS = 2_000;

const session = new Session('admin');
const api = new Api(session);

/** Panels read the sales again when they have changed one. @param {string} id */
const panelsIn = (id) =>
  new ListView(
    byId(id),
    (/** @type {CountedSale} */ { saleId }) => saleId,
    () => new SalePanel(api, () => sales.now()),
  );
const running = panelsIn('sales');
const over = panelsIn('over-sales');

/** @returns {Promise<Problem | null>} */
async function lookAtSales() {
  if (!session.token) return null;
  const sentMs = Date.now();
  /** @type {Answer<{ sales: CountedSale[], serverTime: string }>} */
  const answer = await api.get('/v1/admin/sales');
  fill(byId('sales-problem'), !answer.ok && problemBox(answer.problem, 'This page goes on trying.'));
  if (!answer.ok) return answer.problem;
  learnTime(answer.body.serverTime, sentMs);
  const isOver = (/** @type {CountedSale} */ { status }) => status === 'ended' || status === 'sealed';
  const ended = answer.body.sales.filter(isOver);
  running.show(answer.body.sales.filter((sale) => !isOver(sale)));
  over.show(ended);
  byId('over').hidden = ended.length === 0;
  write(/** @type {Element} */ (byId('over').querySelector('summary')), `Over (${ended.length})`);
  return null;
}

const letters = new LetterDesk(api, session);
const monitor = new Monitor(api, session);
const sales = new Poll(lookAtSales, LOOK_AT_SALES_EVERY_MS);
const polls = [
  sales,
  new Poll(() => letters.look(), LOOK_AT_LETTERS_EVERY_MS),
  new Poll(() => monitor.look(), LOOK_AT_METRICS_EVERY_MS),
];

showSession(session);
const showDesk = () => {
  byId('desk').hidden = session.token === null;
  for (const poll of polls) poll.now();
};
session.addEventListener('change', showDesk);
showDesk();
