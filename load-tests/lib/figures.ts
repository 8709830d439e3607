import { Counter, Rate, Trend } from 'k6/metrics';
import { type Answer, type Response, TRY_AGAIN } from './orders.ts';
import { RESULT_FILE } from './settings.ts';

/** k6 has it; @types/k6 leaves it to the types of a browser, of which nothing else exists here. */
declare const console: { error(text: string): void };

/** The figures of a run, in the words of the business. `npm run load` compares them with the books afterwards. */

/** Units of orders that were answered 202, each order once. */
const unitsAccepted = new Counter('units_accepted');
const ordersAccepted = new Counter('orders_accepted');
/** Those of them that the buyer heard of only by sending the key again. */
const acceptedUnheard = new Counter('accepted_unheard');
/** Answers that no page of the API promises. */
const unexpectedAnswers = new Counter('unexpected_answers');
/** From sending to a definite answer, without the time between two attempts. */
const answerMs = new Trend('answer_ms', true);

/** Buyers who began to order; those who ended with a definite answer, as a share and as a number. */
export const buyersCame = new Counter('buyers_came');
export const buyersDecided = new Rate('buyers_decided');
export const unitsWanted = new Counter('units_wanted');
/** Two 202 of one key that differ, or a 202 and a refusal of one key. */
const contradictions = new Counter('contradictions');
/** Accepted orders that were sent once more and answered with the first 202. */
export const replaysChecked = new Counter('replays_checked');

/** What became of accepted units, as their buyers saw it. */
const finished = {
  paid: new Counter('units_paid'),
  expired: new Counter('units_expired'),
  cancelled: new Counter('units_cancelled'),
};
/** From the 202 to `paid`. */
const paidMs = new Trend('paid_ms', true);
/** Orders whose money came too late and went back; and those whose buyer still waited for it in the end. */
export const ordersRefunded = new Counter('orders_refunded');
export const refundsMissing = new Counter('refunds_missing');
/** Orders that did not end as they had to: not in time, or otherwise. */
const unfinished = new Counter('unfinished_orders');

const REFUSAL_KINDS = [
  'sold-out',
  'user-limit',
  'sale-not-started',
  'sale-paused',
  'sale-ended',
  'idempotency-key-reused',
  'other',
];
const refused = countersOf('refused', REFUSAL_KINDS);
const resent = countersOf('resent', TRY_AGAIN);

/** Counts one answer to an order that was sent as it should be. */
export function countAnswer(answer: Answer, response: Response): void {
  if (answer.is === 'unexpected') countUnexpected(response);
  else if (answer.is !== 'open') answerMs.add(response.timings.duration);
}

export function countUnexpected({ status, body, request }: Response): void {
  unexpectedAnswers.add(1);
  console.error(`unexpected answer to ${request.method} ${request.url}: ${status} ${body}`);
}

export function countContradiction(what: string): void {
  contradictions.add(1);
  console.error(`contradiction: ${what}`);
}

/** Once for each order, however often its 202 came. `wasReplayed`: an attempt without an answer had been accepted. */
export function countAccepted(quantity: number, wasReplayed = false): void {
  ordersAccepted.add(1);
  if (wasReplayed) acceptedUnheard.add(1);
  unitsAccepted.add(quantity);
}

/** `status`: the last one that the buyer saw, or undefined when it saw none. */
export function countFinished(status: string | undefined, quantity: number, sinceMs = 0): void {
  if (status === 'paid') paidMs.add(Date.now() - sinceMs);
  if (status === 'paid' || status === 'expired' || status === 'cancelled') return finished[status].add(quantity);
  countUnfinished(`an order is ${status ?? 'not to be read'}`);
}

export function countUnfinished(what: string): void {
  unfinished.add(1);
  console.error(`unfinished: ${what}`);
}

export function countRefusal(because: string): void {
  (refused.get(because) ?? refused.get('other'))?.add(1);
}

export function countResent(because: string): void {
  resent.get(because)?.add(1);
}

/** k6 calls this at the end of a script that exports it: all figures, where `npm run load` reads them. */
export function handleSummary(figures: unknown): Record<string, string> {
  return { [RESULT_FILE]: JSON.stringify(figures, null, 2) };
}

/** Thresholds of every load: each buyer got a definite answer, and no two answers of a key contradict each other. */
export const honest = {
  buyers_came: ['count>0'],
  buyers_decided: ['rate==1'],
  contradictions: ['count==0'],
  unexpected_answers: ['count==0'],
};

/** Thresholds that allow no refusal but this one, or none at all. */
export function refusedOnlyFor(because?: string): Record<string, string[]> {
  const others = REFUSAL_KINDS.filter((kind) => kind !== because);
  return Object.fromEntries(others.map((kind) => [metricOf('refused', kind), ['count==0']]));
}

/** The counters of orders that were sent again because the system had no time; a 408 tells only of an unused connection. */
export const RESENT_FOR_LOAD = TRY_AGAIN.filter((kind) => kind !== 'request-timeout').map((kind) =>
  metricOf('resent', kind),
);

/** k6 shows a counter per tag only when a threshold names it; so every kind is a counter of its own. */
function countersOf(prefix: string, kinds: readonly string[]): Map<string, Counter> {
  return new Map(kinds.map((kind) => [kind, new Counter(metricOf(prefix, kind))]));
}

function metricOf(prefix: string, kind: string): string {
  return `${prefix}_${kind.replaceAll('-', '_')}`;
}
