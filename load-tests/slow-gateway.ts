import { sleep } from 'k6';
import { scenario } from 'k6/execution';
import type { Options } from 'k6/options';
import { arrivals } from './lib/arrivals.ts';
import { newBuyer } from './lib/buyer.ts';
import { honest, refusedOnlyFor } from './lib/figures.ts';
import { OrderLife } from './lib/order-life.ts';
import { newOrder } from './lib/orders.ts';
import { orderOne } from './lib/order-until-decided.ts';
import { wholeNumber } from './lib/settings.ts';
import { type Behaviour, setBehaviour } from './lib/simulator.ts';

export { handleSummary } from './lib/figures.ts';

/**
 * Buyers order and wait for `paid`, while the gateway is well, and then while it is late, hangs and fails.
 *
 * Proves:    intake does not feel the gateway: every order is accepted, and as fast as in the calm phase; every order is paid
 *            or expired in the end, and the money of those that were paid too late has gone back.
 * Does not:  say how late a payment may be: that is the gateway's affair.
 */

const BUYERS_PER_SECOND = wholeNumber('BUYERS_PER_SECOND', 10);
/** Of each of the two phases. */
const DURATION_SECONDS = wholeNumber('DURATION_SECONDS', 30);

/** The time to pay (run/scenarios.mjs), with the time that expiry takes, and what is asked for again. */
const FINISHED_WITHIN_SECONDS = 75;
/** Late money comes 2 s after the end of the time to pay at the latest, if the gateway says so itself. */
const REFUNDED_WITHIN_SECONDS = 15;
const CALM_FINISHED_SECONDS = 5;

const CALM: Behaviour = { pays: { probability: 1, delayMs: [0, 500] } };
const SLOW: Behaviour = {
  pays: { probability: 1, delayMs: [0, 5_000] },
  late: { probability: 0.1, delayMs: [100, 2_000] },
  slow: { probability: 0.6, delayMs: [500, 2_500] },
  hangs: { probability: 0.3 }, // for a minute: longer than anybody waits
  fails: { probability: 0.3 },
};

export const options: Options = {
  setupTimeout: '10s',
  scenarios: {
    gateway: {
      executor: 'per-vu-iterations',
      exec: 'misbehave',
      vus: 1,
      iterations: 1,
      startTime: `${DURATION_SECONDS + CALM_FINISHED_SECONDS}s`,
      maxDuration: `${DURATION_SECONDS + 30}s`,
    },
    calm: arrivals({ exec: 'buy', perSecond: BUYERS_PER_SECOND, seconds: DURATION_SECONDS, staySeconds: 5 }),
    slow: arrivals({
      exec: 'buy',
      perSecond: BUYERS_PER_SECOND,
      seconds: DURATION_SECONDS,
      startsAtSeconds: DURATION_SECONDS + CALM_FINISHED_SECONDS,
      staySeconds: FINISHED_WITHIN_SECONDS + REFUNDED_WITHIN_SECONDS,
    }),
  },
  thresholds: {
    ...honest,
    ...refusedOnlyFor(),
    'units_paid{scenario:calm}': ['count>0'],
    'units_paid{scenario:slow}': ['count>0'],
    'units_expired{scenario:calm}': ['count==0'],
    'units_expired{scenario:slow}': ['count>0'], // else no money came too late
    orders_refunded: ['count>0'],
    refunds_missing: ['count==0'],
    unfinished_orders: ['count==0'],
    // Beside these, `npm run load` compares the answers of the two phases with each other.
    'answer_ms{scenario:calm}': ['p(95)<2000'],
    'answer_ms{scenario:slow}': ['p(95)<2000'],
    'paid_ms{scenario:calm}': ['p(95)<10000'],
    'paid_ms{scenario:slow}': ['med>0'],
  },
};

export const setup = (): void => setBehaviour(CALM);

export function misbehave(): void {
  setBehaviour(SLOW);
  sleep(DURATION_SECONDS);
  setBehaviour(CALM);
}

export function buy(): void {
  const order = newOrder(newBuyer(`${scenario.name}-${scenario.iterationInTest}`), 1);
  orderOne(order, (body) => {
    const life = new OrderLife(order, body);
    life.untilFinished(FINISHED_WITHIN_SECONDS);
    if (life.last?.status === 'expired') life.untilRefunded(REFUNDED_WITHIN_SECONDS);
  });
}
