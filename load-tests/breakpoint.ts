import { scenario } from 'k6/execution';
import type { ObjectThreshold, Options } from 'k6/options';
import { arrivals } from './lib/arrivals.ts';
import { newBuyer } from './lib/buyer.ts';
import { honest, refusedOnlyFor, RESENT_FOR_LOAD } from './lib/figures.ts';
import { newOrder } from './lib/orders.ts';
import { orderOne } from './lib/order-until-decided.ts';
import { wholeNumber } from './lib/settings.ts';

export { handleSummary } from './lib/figures.ts';

/**
 * Steps of buyers per second, each a quarter higher than the one before, until a threshold of a step breaks.
 *
 * Finds:     the highest step at which all was well: answers in time, nobody sent away for load, nobody without a VU.
 * Proves:    beyond it, too, nobody is answered anything but a 202 or an honest "later" with `Retry-After`, and what was
 *            accepted is in the books.
 * Does not:  tell the system's limit from that of k6, which shares the machine: see the reason that it names.
 */

const FROM_PER_SECOND = wholeNumber('FROM_PER_SECOND', 100);
const TO_PER_SECOND = wholeNumber('TO_PER_SECOND', 4_000);
const STEP_SECONDS = wholeNumber('STEP_SECONDS', 8);
const ANSWER_P95_MS_MAX = wholeNumber('ANSWER_P95_MS_MAX', 250);
const STEP_FACTOR = 1.25;
/** While all is well. VUs of all steps that overlap are made before the run. */
const STAY_SECONDS = 0.5;

const RATES = stepsBetween(FROM_PER_SECOND, TO_PER_SECOND);

export const options: Options = {
  scenarios: Object.fromEntries(
    RATES.map((perSecond, step) => {
      const startsAtSeconds = step * STEP_SECONDS;
      const plan = { exec: 'buy', perSecond, seconds: STEP_SECONDS, startsAtSeconds };
      return [nameOf(perSecond), arrivals({ ...plan, staySeconds: STAY_SECONDS, patienceSeconds: STEP_SECONDS })];
    }),
  ),
  thresholds: {
    ...honest,
    ...refusedOnlyFor(),
    ...Object.fromEntries(RATES.flatMap(thresholdsOfStep)),
  },
};

export function buy(): void {
  orderOne(newOrder(newBuyer(`${scenario.name}-${scenario.iterationInTest}`), 1));
}

/** Judged at the end of the step, so that an overload lasts for as long as the step at least. */
function thresholdsOfStep(perSecond: number, step: number): [metric: string, ObjectThreshold[]][] {
  const of = (metric: string) => `${metric}{scenario:${nameOf(perSecond)}}`;
  const stopUnless = (threshold: string): ObjectThreshold[] => [
    { threshold, abortOnFail: true, delayAbortEval: `${(step + 1) * STEP_SECONDS}s` },
  ];
  const nothingOf = (metric: string): [string, ObjectThreshold[]] => [metric, stopUnless('count==0')];
  return [
    [of('answer_ms'), stopUnless(`p(95)<${ANSWER_P95_MS_MAX}`)],
    ...[...RESENT_FOR_LOAD, 'dropped_iterations'].map((metric) => nothingOf(of(metric))),
    [of('buyers_came'), [{ threshold: 'count>=0' }]], // it is in the figures: the step was reached
  ];
}

/** `run/limit.mjs` reads the rate from it. */
function nameOf(perSecond: number): string {
  return `at_${perSecond}`;
}

function stepsBetween(from: number, to: number): number[] {
  const rates = [];
  for (let rate = from; rate <= to; rate *= STEP_FACTOR) rates.push(Math.round(rate));
  return rates;
}
