import { sleep } from 'k6';
import { countAccepted, countAnswer, countContradiction, countRefusal, countResent } from './figures.ts';
import { type Answer, type Order, send, understand } from './orders.ts';

/** Longer than any restart we promise to survive; a buyer who waits longer has been let down. */
const PATIENCE_SECONDS = 45;

/** Between two attempts, when the API does not say how long: doubled each time, and scattered. */
const PAUSE_SECONDS_MIN = 0.2;
const PAUSE_SECONDS_MAX = 2;

/**
 * What became of an order. `wasReplayed`: no answer was the first one. `undecided`: no definite answer within the buyer's
 * patience.
 */
export type Outcome =
  { is: 'accepted'; body: string; wasReplayed: boolean } | { is: 'refused'; because: string } | { is: 'undecided' };

/**
 * Orders as a good client does: sends the same key again while it cannot know what became of the order.
 *
 * Promises:  every answer of the key is looked at: two 202 that differ, or a refusal beside a 202, are a contradiction.
 * Does not:  send a refused order again. Nobody gives units back in these sales, so a refusal stays one.
 */
export function orderUntilDecided(order: Order, copies = 1): Outcome {
  const outcome = sendUntilDecided(order, copies);
  if (outcome.is === 'refused') countRefusal(outcome.because);
  if (outcome.is === 'accepted') countAccepted(order.quantity, outcome.wasReplayed);
  return outcome;
}

/** The same for an order that was counted already. */
export function sendUntilDecided(order: Order, copies = 1): Outcome {
  const definite: Answer[] = [];
  const giveUpAt = Date.now() + PATIENCE_SECONDS * 1000;
  for (let attempt = 0; attempt === 0 || Date.now() < giveUpAt; attempt++) {
    const answers = sendOnce(order, attempt === 0 ? copies : 1);
    definite.push(...answers.filter(({ is }) => is === 'accepted' || is === 'refused'));
    const open = answers.find(({ is }) => is === 'open');
    if (open?.is !== 'open') return conclude(definite);
    countResent(open.because);
    sleep(pauseSeconds(attempt, open.retryAfterSeconds));
  }
  return { is: 'undecided' };
}

function sendOnce(order: Order, copies: number): Answer[] {
  return send(order, copies).map((response) => {
    const answer = understand(response);
    countAnswer(answer, response);
    return answer;
  });
}

function conclude(definite: Answer[]): Outcome {
  const all = definite.filter((answer) => answer.is === 'accepted');
  const [accepted] = all;
  const [refused] = definite.filter((answer) => answer.is === 'refused');
  if (!accepted) return refused ?? { is: 'undecided' };
  if (refused || all.some(({ body }) => body !== accepted.body)) countContradiction(JSON.stringify(definite));
  return { is: 'accepted', body: accepted.body, wasReplayed: all.every(({ isReplay }) => isReplay) };
}

function pauseSeconds(attempt: number, retryAfterSeconds: number): number {
  const own = Math.min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2 ** attempt);
  return (retryAfterSeconds || own) * (0.5 + Math.random());
}
