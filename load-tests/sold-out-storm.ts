import { sleep } from 'k6';
import { scenario } from 'k6/execution';
import type { Options } from 'k6/options';
import { measureAnswers } from './lib/answer-cost.ts';
import { arrivals } from './lib/arrivals.ts';
import { newBuyer } from './lib/buyer.ts';
import { honest, refusedOnlyFor } from './lib/figures.ts';
import { newOrder } from './lib/orders.ts';
import { lookAgain, orderOne } from './lib/order-until-decided.ts';
import { STOCK, wholeNumber } from './lib/settings.ts';

export { handleSummary } from './lib/figures.ts';

/**
 * A small stock is sold, and then the crowd comes.
 *
 * Proves:    never one unit too many; every buyer of the crowd is told `sold-out`, and that costs no more than an
 *            accepted order did; who has an order still gets it by its key.
 * Does not:  give units back: a sale whose orders expire sells again.
 */

const BUYERS_PER_SECOND = wholeNumber('BUYERS_PER_SECOND', 100);
const STORM_PER_SECOND = wholeNumber('STORM_PER_SECOND', 4 * BUYERS_PER_SECOND);
const DURATION_SECONDS = wholeNumber('DURATION_SECONDS', 20);

/** A tenth more buyers than units, so that all are gone; and a moment for the last of them to be answered. */
const SELLING_SECONDS = Math.ceil((1.1 * STOCK) / BUYERS_PER_SECOND) + 1;
const STORM_AT_SECONDS = SELLING_SECONDS + 5;

/** One owner in ten comes back with the key while the crowd is there; until then it keeps a VU. */
const COMES_BACK_EVERY = 10;

export const options: Options = {
  scenarios: {
    selling: arrivals({
      exec: 'buy',
      perSecond: BUYERS_PER_SECOND,
      seconds: SELLING_SECONDS,
      staySeconds: 2 + (STORM_AT_SECONDS + DURATION_SECONDS) / COMES_BACK_EVERY,
    }),
    storm: arrivals({
      exec: 'comeTooLate',
      perSecond: STORM_PER_SECOND,
      seconds: DURATION_SECONDS,
      startsAtSeconds: STORM_AT_SECONDS,
    }),
    meter: {
      executor: 'per-vu-iterations',
      exec: 'measure',
      vus: 1,
      iterations: 1,
      maxDuration: `${STORM_AT_SECONDS + DURATION_SECONDS + 30}s`,
    },
  },
  thresholds: {
    ...honest,
    ...refusedOnlyFor('sold-out'),
    units_accepted: [`count==${STOCK}`],
    'units_accepted{scenario:storm}': ['count==0'],
    'refused_sold_out{scenario:storm}': ['count>0'],
    replays_checked: ['count>0'],
    'answer_ms{scenario:selling}': ['p(95)<2000'],
    'answer_ms{scenario:storm}': ['p(95)<2000'],
    // Beside these, `npm run load` compares the two with each other.
    'cpu_us_per_answer{part:selling}': ['value>0'],
    'cpu_us_per_answer{part:storm}': ['value>0'],
  },
};

export function buy(): void {
  const number = scenario.iterationInTest;
  const stormAtMs = scenario.startTime + STORM_AT_SECONDS * 1000;
  const order = newOrder(newBuyer(`owner-${number}`), 1);
  orderOne(order, (body) => {
    if (number % COMES_BACK_EVERY !== 0) return;
    sleep((stormAtMs - Date.now()) / 1000 + Math.random() * DURATION_SECONDS);
    lookAgain(order, body);
  });
}

export function measure(): void {
  measureAnswers({
    first: { name: 'selling', endsAt: SELLING_SECONDS + 1 },
    second: { name: 'storm', startsAt: STORM_AT_SECONDS - 1, endsAt: STORM_AT_SECONDS + DURATION_SECONDS + 1 },
  });
}

export function comeTooLate(): void {
  orderOne(newOrder(newBuyer(`late-${scenario.iterationInTest}`), 1));
}
