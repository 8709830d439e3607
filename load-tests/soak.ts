import { scenario } from 'k6/execution';
import type { Options } from 'k6/options';
import { arrivals } from './lib/arrivals.ts';
import { newBuyer } from './lib/buyer.ts';
import { countFinished, countUnfinished, honest, refusedOnlyFor } from './lib/figures.ts';
import { OrderLife } from './lib/order-life.ts';
import { newOrder } from './lib/orders.ts';
import { orderOne } from './lib/order-until-decided.ts';
import { bounded, watchProcesses } from './lib/processes.ts';
import { wholeNumber } from './lib/settings.ts';
import { setBehaviour } from './lib/simulator.ts';

export { handleSummary } from './lib/figures.ts';

/**
 * A steady stream of buyers, for as long as you like: six of ten pay, two cancel, two forget to pay.
 *
 * Proves:    nothing piles up: no process gains memory, no order waits long to be stored, and in the end each order is paid,
 *            or its units are on sale again.
 * Does not:  look for the limit: that is `breakpoint`.
 */

const BUYERS_PER_SECOND = wholeNumber('BUYERS_PER_SECOND', 20);
const DURATION_SECONDS = wholeNumber('DURATION_SECONDS', 120);
/** In the whole run, however long it is: the longer, the stricter. */
const MEMORY_GROWTH_MIB_MAX = wholeNumber('MEMORY_GROWTH_MIB_MAX', 64);
/** A pass of a worker takes less than 0.1 s; the rest is room for other work on the machine. */
const BACKLOG_AGE_SECONDS_MAX = wholeNumber('BACKLOG_AGE_SECONDS_MAX', 5);

/** Until the order is stored, the payment link is there, or the webhook is settled. Each takes less than a second. */
const STEP_WITHIN_SECONDS = 20;

export const options: Options = {
  scenarios: {
    stream: arrivals({ exec: 'buy', perSecond: BUYERS_PER_SECOND, seconds: DURATION_SECONDS, staySeconds: 4 }),
    watch: {
      executor: 'per-vu-iterations',
      exec: 'watch',
      vus: 1,
      iterations: 1,
      maxDuration: `${DURATION_SECONDS + 60}s`,
    },
  },
  thresholds: {
    ...honest,
    ...refusedOnlyFor(),
    ...bounded({ growthMibMax: MEMORY_GROWTH_MIB_MAX, ageSecondsMax: BACKLOG_AGE_SECONDS_MAX }),
    units_paid: ['count>0'],
    units_cancelled: ['count>0'],
    unfinished_orders: ['count==0'],
    answer_ms: ['p(95)<2000'],
    paid_ms: ['p(95)<10000'],
  },
};

/** Buyers pay themselves, on the page. */
export const setup = (): void => setBehaviour({});

export const watch = (): void => watchProcesses(DURATION_SECONDS);

export function buy(): void {
  const number = scenario.iterationInTest;
  const order = newOrder(newBuyer(`buyer-${number}`), 1);
  orderOne(order, (body) => {
    const life = new OrderLife(order, body);
    const digit = number % 10;
    if (digit < 6) pay(life);
    else if (digit < 8) cancel(life, order.quantity);
  });
}

function pay(life: OrderLife): void {
  const isPaying =
    life.becomes(({ paymentUrl }) => paymentUrl !== null, STEP_WITHIN_SECONDS) && life.pay(STEP_WITHIN_SECONDS);
  if (isPaying) life.untilFinished(STEP_WITHIN_SECONDS);
  else countUnfinished(`an order could not be paid: ${JSON.stringify(life.last)}`);
}

function cancel(life: OrderLife, quantity: number): void {
  if (life.cancel(STEP_WITHIN_SECONDS)) countFinished('cancelled', quantity);
  else countUnfinished('an order could not be cancelled');
}
