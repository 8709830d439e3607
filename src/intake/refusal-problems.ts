import { IDEMPOTENCY_KEY_REUSED } from '../platform/http/idempotency-key.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN, OVERLOADED, STORE_UNAVAILABLE } from '../platform/http/problems.js';
import { SALE_ENDED } from '../orders/paths.js';
import type { SaleTerms } from '../orders/sale-terms.js';
import type { Refusal } from '../stock/decision.js';

/** About as long as a restart of Redis, or of Postgres, takes. */
const RETRY_AFTER_SECONDS = 1;

const NOT_STARTED = problemType('sale-not-started', 409, {
  title: 'The sale has not started',
  when: 'The sale is known, and its `startsAt` has not come.',
  next: 'Wait for `Retry-After` seconds, then send the request again.',
});

const PROBLEMS: Record<Exclude<Refusal, 'NOT_STARTED' | 'OVERLOADED'>, Problem> = {
  KEY_REUSED: new Problem(
    IDEMPOTENCY_KEY_REUSED,
    'This key has an order of another quantity. Send that quantity again, or a new key.',
  ),
  PAUSED: new Problem(
    problemType('sale-paused', 409, {
      title: 'The sale is paused',
      when: 'An operator has paused the sale.',
      next: 'Try again later: the sale may go on.',
    }),
    'The sale may go on later.',
  ),
  ENDED: new Problem(SALE_ENDED, 'No more orders are taken.'),
  LIMIT_REACHED: new Problem(
    problemType('user-limit', 409, {
      title: 'You have as much of this sale as one buyer may have',
      when: 'The order would exceed the `perUserLimit` of the sale, or the 20 orders that a buyer may place in it.',
      next: 'Order less, or wait until an order of yours that is not paid has given its units back.',
    }),
    'The order would exceed the limit of the sale, or the 20 orders that a buyer may place in it.',
  ),
  SOLD_OUT: new Problem(
    problemType('sold-out', 409, {
      title: 'The sale is sold out',
      when: 'Fewer units are left than are wanted.',
      next: 'Order less, or try again later: units of orders that are not paid come back.',
    }),
    'Fewer units are left than you want. Units of orders that are not paid come back.',
  ),
  UNAVAILABLE: new Problem(STORE_UNAVAILABLE, 'The stock of this sale is being checked. Nothing was ordered.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  }),
};

export const REFUSAL_TYPES = [NOT_STARTED, ...Object.values(PROBLEMS).map(({ type }) => type)];

/** The answer to a refused request. Every one leaves nothing behind. */
export function refusalProblem(refusal: Exclude<Refusal, 'OVERLOADED'>, terms: SaleTerms): Problem {
  if (refusal !== 'NOT_STARTED') return PROBLEMS[refusal];
  const retryAfterSeconds = Math.max(1, Math.ceil((terms.startsAtMs - Date.now()) / 1000));
  return new Problem(NOT_STARTED, `It starts at ${new Date(terms.startsAtMs).toISOString()}.`, { retryAfterSeconds });
}

export const tooManyWait = (retryAfterSeconds: number): Problem =>
  new Problem(OVERLOADED, 'Too many orders wait to be stored. Nothing was ordered.', { retryAfterSeconds });

export const NOT_ASKED = new Problem(STORE_UNAVAILABLE, 'The stock cannot be reached. Nothing was ordered.', {
  retryAfterSeconds: RETRY_AFTER_SECONDS,
});

export const LOST_REPLY = new Problem(
  OUTCOME_UNKNOWN,
  'The order may have been taken. Send the same key again to learn what became of it; it is never taken twice.',
  { retryAfterSeconds: RETRY_AFTER_SECONDS },
);
