import { sleep } from 'k6';
import {
  buyersCame,
  buyersDecided,
  countAccepted,
  countAnswer,
  countContradiction,
  countRefusal,
  countResent,
  countUnexpected,
  replaysChecked,
  unitsWanted,
} from './figures.ts';
import { type Answer, type Order, readOrder, send, understand } from './orders.ts';

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
 * One buyer, from arrival to a definite answer. What it does with an accepted order comes before it counts as answered, so
 * that an error on the way does not look like a success. @param whenAccepted gets the body of the 202.
 */
export function orderOne(order: Order, whenAccepted?: (body: string) => void, copies = 1): void {
  buyersCame.add(1);
  unitsWanted.add(order.quantity);
  const outcome = orderUntilDecided(order, copies);
  if (outcome.is === 'accepted') whenAccepted?.(outcome.body);
  buyersDecided.add(outcome.is !== 'undecided');
}

/**
 * Orders as a good client does: sends the same key again while it cannot know what became of the order.
 *
 * Promises:  every answer of the key is looked at: two 202 that differ, or a refusal beside a 202, are a contradiction.
 * Does not:  send a refused order again. Nobody gives units back while these sales are short of them, so a refusal stays one.
 *
 * @param heard what the same key was answered before.
 */
export function orderUntilDecided(order: Order, copies = 1, heard: Answer[] = []): Outcome {
  const outcome = sendUntilDecided(order, copies, heard);
  if (outcome.is === 'refused') countRefusal(outcome.because);
  if (outcome.is === 'accepted') countAccepted(order.quantity, outcome.wasReplayed);
  return outcome;
}

/** The same for an order that was counted already. */
function sendUntilDecided(order: Order, copies = 1, heard: Answer[] = []): Outcome {
  const definite = heard.filter(isDefinite);
  const giveUpAt = Date.now() + PATIENCE_SECONDS * 1000;
  for (let attempt = 0; attempt === 0 || Date.now() < giveUpAt; attempt++) {
    const answers = sendOnce(order, attempt === 0 ? copies : 1);
    definite.push(...answers.filter(isDefinite));
    const open = answers.find(({ is }) => is === 'open');
    if (open?.is !== 'open') return conclude(definite);
    countResent(open.because);
    sleep(pauseSeconds(attempt, open.retryAfterSeconds));
  }
  return { is: 'undecided' };
}

/** One attempt. `answerWithin`: how long it waits, such as `5ms`. */
export function sendOnce(order: Order, copies: number, answerWithin?: string): Answer[] {
  return send(order, copies, answerWithin).map((response) => {
    const answer = understand(response);
    countAnswer(answer, response);
    return answer;
  });
}

/** A buyer who comes back: the key still answers with the first 202, and the order is there, queued or stored. */
export function lookAgain(order: Order, body: string): void {
  const again = sendUntilDecided(order);
  if (again.is === 'accepted' && again.body === body && again.wasReplayed) replaysChecked.add(1);
  else countContradiction(`first ${body}, then ${JSON.stringify(again)}`);

  const response = readOrder(order.buyer, orderIdOf(body));
  if (response.status !== 200 && understand(response).is !== 'open') countUnexpected(response);
}

/** @param body of a 202. */
export const orderIdOf = (body: string): string => (JSON.parse(body) as { orderId: string }).orderId;

const isDefinite = ({ is }: Answer): boolean => is === 'accepted' || is === 'refused';

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
