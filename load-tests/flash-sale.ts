import { scenario } from 'k6/execution';
import type { Options } from 'k6/options';
import { newBuyer } from './lib/buyer.ts';
import { honest, refusedOnlyFor } from './lib/figures.ts';
import { newOrder } from './lib/orders.ts';
import { lookAgain, orderOne } from './lib/order-until-decided.ts';
import { STOCK, wholeNumber } from './lib/settings.ts';

export { handleSummary } from './lib/figures.ts';

/**
 * A stampede: many more buyers than units, most of them in the first seconds.
 *
 * Proves:    exactly as many units are accepted as there are, or as are wanted; every buyer gets a definite answer, also
 *            when a process or a store dies meanwhile; all 202 of one key are the same.
 * Does not:  prove that what was accepted is stored. `npm run load` asks the books afterwards.
 */

/** Small enough that a laptop with two cores serves it beside k6. */
const BUYERS_PER_SECOND = wholeNumber('BUYERS_PER_SECOND', 200);
const DURATION_SECONDS = wholeNumber('DURATION_SECONDS', 40);
/** Loose: it notices a queue that grows, not a slow machine. */
const ANSWER_P95_MS_MAX = wholeNumber('ANSWER_P95_MS_MAX', 2000);

/** A VU takes 0.6 MB of memory. When none is free, a buyer stays away; the summary says how many did. */
const VUS_READY_MAX = 1_000;
const VUS_MAX = 5_000;

/** A tenth of the time doors open, half of it the crowd is there, then it goes. */
const CALM = Math.ceil(BUYERS_PER_SECOND / 10);
const stages = [
  { target: BUYERS_PER_SECOND, duration: 0.1 * DURATION_SECONDS },
  { target: BUYERS_PER_SECOND, duration: 0.5 * DURATION_SECONDS },
  { target: CALM, duration: 0.4 * DURATION_SECONDS },
];
const BUYERS_PLANNED = DURATION_SECONDS * (0.5 * BUYERS_PER_SECOND + 0.25 * (BUYERS_PER_SECOND + CALM));

export const options: Options = {
  scenarios: {
    stampede: {
      executor: 'ramping-arrival-rate',
      startRate: CALM,
      stages: stages.map(({ target, duration }) => ({ target, duration: `${Math.round(duration * 1000)}ms` })),
      preAllocatedVUs: Math.min(4 * BUYERS_PER_SECOND, VUS_READY_MAX), // k6 is slow to make more when the API goes away
      maxVUs: Math.min(8 * BUYERS_PER_SECOND, VUS_MAX), // room for all who wait while it is away for 8 s
      gracefulStop: '60s', // longer than the patience of the last buyer
    },
  },
  thresholds: {
    // Beside these, `npm run load` demands exactly min(stock, what those who came wanted).
    units_accepted: [BUYERS_PLANNED > 2 * STOCK ? `count==${STOCK}` : `count<=${STOCK}`],
    ...honest,
    ...refusedOnlyFor('sold-out'),
    answer_ms: [`p(95)<${ANSWER_P95_MS_MAX}`],
  },
};

export default function buyOne(): void {
  const number = scenario.iterationInTest;
  const order = newOrder(newBuyer(`buyer-${number}`), 1);
  const comeBack = (body: string) => lookAgain(order, body);
  orderOne(order, comesBack(number) ? comeBack : undefined, isImpatient(number) ? 2 : 1);
}

/** Clicks twice: both requests arrive at once. */
const isImpatient = (number: number) => number % 10 === 0;

const comesBack = (number: number) => number % 5 === 1;
