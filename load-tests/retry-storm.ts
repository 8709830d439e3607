import { scenario } from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { arrivals } from './lib/arrivals.ts';
import { type Buyer, newBuyer } from './lib/buyer.ts';
import { buyersCame, buyersDecided, honest, refusedOnlyFor, unitsWanted } from './lib/figures.ts';
import { type Answer, listOrders, newOrder, type Order } from './lib/orders.ts';
import { orderUntilDecided, sendOnce } from './lib/order-until-decided.ts';
import { SALE_ID, wholeNumber } from './lib/settings.ts';
import { eventually } from './lib/eventually.ts';

export { handleSummary } from './lib/figures.ts';

/**
 * Clients that wait for milliseconds, hang up, and send the same key again, several copies at once. In the end each
 * waits for its answer as a good client does.
 *
 * Proves:    however often a key is sent and whatever of it is heard, it has one order, and every 202 of it is the same;
 *            requests are many times as many as orders, and the books hold each order once.
 */

const BUYERS_PER_SECOND = wholeNumber('BUYERS_PER_SECOND', 50);
const DURATION_SECONDS = wholeNumber('DURATION_SECONDS', 30);
/** Each attempt waits from 1 ms to this: some hang up before the order is decided, some after, some hear the answer. */
const WAIT_MS_MAX = wholeNumber('WAIT_MS_MAX', 12);
const ATTEMPTS = wholeNumber('ATTEMPTS', 5);
const COPIES = 3;

const STORED_WITHIN_SECONDS = 15;

const requestsSent = new Counter('requests_sent');
/** Requests whose client hung up before the answer. */
const requestsAbandoned = new Counter('requests_abandoned');
/** Of one key: order ids in its 202 answers, and orders that are stored. */
const ordersHeard = new Trend('orders_heard_per_key');
const ordersStored = new Trend('orders_stored_per_key');

export const options: Options = {
  scenarios: {
    storm: arrivals({
      exec: 'buyImpatiently',
      perSecond: BUYERS_PER_SECOND,
      seconds: DURATION_SECONDS,
      staySeconds: 4,
    }),
  },
  thresholds: {
    ...honest,
    ...refusedOnlyFor('sold-out'),
    orders_heard_per_key: ['min==1', 'max==1'],
    orders_stored_per_key: ['min==1', 'max==1'],
    requests_sent: ['count>0'],
    requests_abandoned: ['count>0'], // else there was no storm
    accepted_unheard: ['count>0'], // and nothing to be found out
  },
};

export function buyImpatiently(): void {
  const order = newOrder(newBuyer(`impatient-${scenario.iterationInTest}`), 1);
  buyersCame.add(1);
  unitsWanted.add(order.quantity);
  const heard = Array.from({ length: ATTEMPTS }, () => hangUpSoon(order)).flat();
  requestsSent.add(1);
  const outcome = orderUntilDecided(order, 1, heard);
  if (outcome.is === 'accepted') countOrders(order.buyer, [...bodiesOf(heard), outcome.body]);
  buyersDecided.add(outcome.is !== 'undecided');
}

function hangUpSoon(order: Order): Answer[] {
  const answers = sendOnce(order, COPIES, `${1 + Math.floor(Math.random() * WAIT_MS_MAX)}ms`);
  requestsSent.add(COPIES);
  requestsAbandoned.add(answers.filter((answer) => answer.is === 'open' && answer.because === 'no-answer').length);
  return answers;
}

const bodiesOf = (answers: Answer[]) => answers.flatMap((answer) => (answer.is === 'accepted' ? [answer.body] : []));

function countOrders(buyer: Buyer, bodies: string[]): void {
  ordersHeard.add(new Set(bodies).size);
  let stored = 0;
  eventually(STORED_WITHIN_SECONDS, () => (stored = countStored(buyer)) > 0);
  ordersStored.add(stored);
}

/** Buyers have the same names in every run; an order that is not stored yet is not listed. */
function countStored(buyer: Buyer): number {
  const response = listOrders(buyer);
  if (response.status !== 200) return 0;
  const { orders } = JSON.parse(response.body) as { orders: { saleId: string }[] };
  return orders.filter(({ saleId }) => saleId === SALE_ID).length;
}
