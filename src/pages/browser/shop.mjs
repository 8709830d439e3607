/** @import { Order, Problem, Sale } from './types.mjs' */
import { Api } from './api.mjs';
import { learnTime } from './clock.mjs';
import { byId, fill, h, ListView, write } from './dom.mjs';
import { words } from './format.mjs';
import { MyOrders } from './my-orders.mjs';
import { Poll } from './poll.mjs';
import { problemBox } from './problem.mjs';
import { SaleCard } from './sale-card.mjs';
import { Session } from './session.mjs';
import { showSession } from './sign-in.mjs';

/** Answers are up to a second old by themselves. */
const LOOK_AT_SALES_EVERY_MS = 2_000;

const session = new Session('buyer');
const api = new Api(session);

/** @type {Map<string, string>} */
const names = new Map();
const orders = new MyOrders(api, session, (saleId) => names.get(saleId) ?? 'An earlier sale');

const running = new ListView(
  byId('sales'),
  (/** @type {Sale} */ { saleId }) => saleId,
  (sale) => new SaleCard(sale, { api, session, onOrder }),
);

/** @param {Pick<Order, 'saleId' | 'orderId'>} order */
function onOrder(order) {
  void orders.placed(order);
  sales.now();
}

/** @param {Sale} sale */
const isOver = ({ status }) => status === 'ended' || status === 'sealed';

/** @param {Sale[]} sales */
function show(sales) {
  for (const { saleId, name } of sales) names.set(saleId, name);
  const open = sales.filter((sale) => !isOver(sale));
  const over = sales.filter(isOver);
  running.show(open);
  byId('no-sales').hidden = open.length > 0;
  const list = byId('over');
  list.hidden = over.length === 0;
  write(/** @type {Element} */ (list.querySelector('summary')), `Over (${over.length})`);
  if (/** @type {HTMLDetailsElement} */ (list).open) return; // being read
  fill(
    /** @type {Element} */ (list.querySelector('ul')),
    ...over.map(({ name, sku, status }) =>
      h('li', {}, name, h('span', { class: 'soft' }, ` ${sku} · ${words(status)}`)),
    ),
  );
}

/** @returns {Promise<Problem | null>} */
async function look() {
  const sentMs = Date.now();
  /** @type {import('./types.mjs').Answer<{ sales: Sale[], serverTime: string }>} */
  const answer = await api.get('/v1/sales');
  fill(byId('sales-problem'), !answer.ok && problemBox(answer.problem, 'This page goes on trying.'));
  if (!answer.ok) return answer.problem;
  learnTime(answer.body.serverTime, sentMs);
  show(answer.body.sales);
  return null;
}

showSession(session);
session.addEventListener('change', () => running.views.forEach((card) => card.forBuyer()));
const sales = new Poll(look, LOOK_AT_SALES_EVERY_MS);
