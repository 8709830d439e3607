import { check } from 'k6';
import http from 'k6/http';
import type { Options } from 'k6/options';
import { type Buyer, newBuyer } from './lib/buyer.ts';
import { eventually } from './lib/eventually.ts';
import { buyersCame, buyersDecided, countAccepted, countAnswer, countRefusal } from './lib/figures.ts';
import {
  newOrder,
  type Order,
  ORDERS_URL,
  problemOf,
  readOrder,
  type Response,
  send,
  understand,
} from './lib/orders.ts';
import { BASE_URL, SALE_ID, STOCK } from './lib/settings.ts';

export { handleSummary } from './lib/figures.ts';

/**
 * Three buyers, three units, at most two for each of them: a few seconds.
 *
 * Proves:    each main answer of the API is the promised one: accepted, replayed, refused, not understood; and an
 *            accepted order is stored soon.
 * Does not:  load anything.
 */
export const options: Options = {
  scenarios: { story: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: '60s' } },
  thresholds: {
    checks: ['rate==1'],
    units_accepted: [`count==${STOCK}`],
    unexpected_answers: ['count==0'],
  },
};

/** An order waits for one pass of the worker; a first pass on a slow machine takes a second. */
const STORED_WITHIN_SECONDS = 10;

export default function tellTheStory(): void {
  const buyers = ['ada', 'ben', 'cleo'].map(newBuyer);
  const [ada, ben, cleo] = buyers as [Buyer, Buyer, Buyer];
  buyersCame.add(buyers.length);
  const adasOrder = newOrder(ada, 2);
  const first = accepts('the first order is accepted', adasOrder);
  repeats('the same key answers with the same order', adasOrder, first);
  refuses('the same key with another quantity is refused', { ...adasOrder, quantity: 1 }, '422 idempotency-key-reused');
  refuses('more than a buyer may have is refused', newOrder(ada, 1), '409 user-limit');
  showsOrder(ada, ben, first);

  accepts('the last unit is sold', newOrder(ben, 1));
  refuses('who comes too late is told so', newOrder(cleo, 1), '409 sold-out');
  repeats('the key of an order is answered after the sale is sold out', adasOrder, first);
  showsSoldOut();
  understandsNothingElse(cleo);
  buyers.forEach(() => buyersDecided.add(true)); // only here: an error on the way must not look like a success
}

function accepts(what: string, order: Order): string {
  const response = sendOne(order);
  const { orderId, ...body } = JSON.parse(response.body) as Record<string, unknown>;
  const isAccepted = check(response, {
    [what]: ({ status }) => status === 202,
    [`${what}: its address is in Location`]: ({ headers }) =>
      headers.Location === `/v1/sales/${SALE_ID}/orders/${String(orderId)}`,
    [`${what}: it is queued`]: () =>
      body.saleId === SALE_ID && body.quantity === order.quantity && body.status === 'queued',
    [`${what}: it is new`]: ({ headers }) => headers['Idempotency-Replayed'] === undefined,
  });
  if (isAccepted) countAccepted(order.quantity);
  return response.body;
}

function repeats(what: string, order: Order, body: string): void {
  check(sendOne(order), {
    [what]: (response) => response.status === 202 && response.body === body,
    [`${what}: and says so`]: ({ headers }) => headers['Idempotency-Replayed'] === 'true',
  });
}

/** `expected`: status and problem type, as in `409 sold-out`. */
function refuses(what: string, order: Order, expected: string): void {
  const response = sendOne(order);
  if (isProblem(what, response, expected)) countRefusal(problemOf(response));
}

function sendOne(order: Order): Response {
  const [response] = send(order) as [Response];
  countAnswer(understand(response), response);
  return response;
}

function isProblem(what: string, response: Response, expected: string): boolean {
  return check(response, { [`${what} (${expected})`]: (it) => `${it.status} ${problemOf(it)}` === expected });
}

function showsOrder(owner: Buyer, stranger: Buyer, accepted: string): void {
  const { orderId } = JSON.parse(accepted) as { orderId: string };
  check(readOrder(owner, orderId), {
    'an order can be read as soon as it is accepted': (it) =>
      it.status === 200 && ['queued', 'pending_payment', 'paid'].includes(it.json('status') as string),
  });
  isProblem('nobody else sees an order', readOrder(stranger, orderId), '404 order-not-found');
  const stored = eventually(
    STORED_WITHIN_SECONDS,
    () => readOrder(owner, orderId).json('history.0.status') === 'pending_payment',
  );
  check(stored, { [`an order is stored within ${STORED_WITHIN_SECONDS} s`]: Boolean });
}

/** What a sale shows may be a second old. */
function showsSoldOut(): void {
  const isSoldOut = () => {
    const sale = http.get(`${BASE_URL}/v1/sales/${SALE_ID}`, { responseType: 'text' });
    return sale.json('status') === 'sold_out' && sale.json('stock.available') === 0;
  };
  check(eventually(2, isSoldOut), { 'the sale shows that it is sold out': Boolean });
}

function understandsNothingElse(buyer: Buyer): void {
  const good = {
    authorization: `Bearer ${buyer.token}`,
    'idempotency-key': 'a-key',
    'content-type': 'application/json',
  };
  const post = (headers: Record<string, string>, body: string, url = ORDERS_URL) =>
    http.post(url, body, { headers, responseType: 'text' });
  const { authorization, 'idempotency-key': key, ...plain } = good;
  const one = '{"quantity":1}';
  const elsewhere = ORDERS_URL.replace(SALE_ID, '00000000-0000-7000-8000-000000000000');

  isProblem('no token', post({ ...plain, 'idempotency-key': key }, one), '401 unauthenticated');
  isProblem('a forged token', post({ ...good, authorization: `${authorization}x` }, one), '401 invalid-token');
  isProblem('no key', post({ ...plain, authorization }, one), '400 idempotency-key-missing');
  isProblem('a key with a space', post({ ...good, 'idempotency-key': 'a key' }, one), '400 idempotency-key-invalid');
  isProblem('no JSON', post(good, '{"quantity":'), '400 malformed-json');
  isProblem('no object', post(good, '[]'), '400 invalid-body');
  isProblem('a field too many', post(good, '{"quantity":1,"price":0}'), '400 unknown-field');
  isProblem('a quantity that is text', post(good, '{"quantity":"1"}'), '400 invalid-field');
  isProblem('more than an order may have', post(good, '{"quantity":3}'), '400 invalid-field');
  isProblem('no such sale', post(good, one, elsewhere), '404 sale-not-found');
}
