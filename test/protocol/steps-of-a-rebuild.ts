import type { Order } from './lane.js';
import type { Protocol } from './protocol.js';
import type { Rules, Step } from './steps-of-guards.js';
import { handsOf, namesOf, settle } from './steps-of-workers.js';
import { type Guard, REST, type System, type Term, TERMS } from './system.js';

type Rebuilding = Extract<Guard, Term>;
type At<Place extends Rebuilding['at']> = Extract<Rebuilding, { at: Place }>;
type CatchingUp = At<'finishing again' | 'recording releases' | 'storing buyers'>;
type Writing = At<'reading the new books' | 'writing the sale' | 'writing buyers' | 'opening'>;

/** From a closed lane to an open one. A guard that finds anything changed begins again with a look. */
export function rebuild(system: System, guard: Rebuilding, { bounds, rules }: Rules): Step | undefined {
  if ('released' in guard) return catchingUp(system, guard, rules);
  if ('epoch' in guard) return writing(system, guard, rules);
  const { books } = system;
  const term = termOf(guard);
  switch (guard.at) {
    case 'claiming': {
      const claimed = rules.claim(books, term);
      if (!claimed) return ['finds the token of a newer guard', system, REST];
      const { epochInRedis, recordedInRedis } = term;
      const wentBack = epochInRedis > books.epoch || (epochInRedis === books.epoch && recordedInRedis > books.recorded);
      const now: Guard = { ...term, at: rules.afterClaiming(), epochInBooks: claimed.epoch, wentBack };
      return [`claims Redis ${term.runId}`, { ...system, books: claimed }, now];
    }
    case 'draining':
      return draining(system, term, rules);
    case 'storing entries': {
      const [name, next, left] = settle(system, guard.hands, rules);
      if (left === 'fenced') return [name, next, REST];
      return [name, next, left === 'done' ? { ...term, at: 'draining' } : { ...guard, hands: left }];
    }
    case 'reading buyers':
      return readingBuyers(system, term, rules);
    case 'starting the epoch': {
      const started = rules.startEpoch(books, term, term.epochInRedis);
      if (!started) return ['finds the books changed', system, REST];
      if (started.epoch > bounds.epochMax) return undefined;
      const { epoch, recorded } = started;
      const now: Guard = { ...term, at: 'reading the new books', epoch, recorded };
      return [`starts epoch ${epoch}`, { ...system, books: started }, now];
    }
  }
}

const termOf = ({ token, runId, epochInRedis, recordedInRedis, epochInBooks, wentBack }: Term): Term => ({
  token,
  runId,
  epochInRedis,
  recordedInRedis,
  epochInBooks,
  wentBack,
});

/** Takes over everything at once, whoever has it; then reads the rest. */
function draining(system: System, term: Term, rules: Protocol): Step {
  for (const which of ['pending', 'unread'] as const) {
    const [redis, taken] = rules.take(system.redis, which);
    if (taken.orders.length === 0) continue;
    const now: Guard = { ...term, at: 'storing entries', hands: { ...handsOf(taken), known: undefined } };
    return [`takes ${namesOf(taken.orders)} off the stream`, { ...system, redis }, now];
  }
  return ['finds the stream empty', system, { ...term, at: 'reading buyers' }];
}

/** Of an older epoch than that of the books, what is in Redis either is in the books or was given up. */
function readingBuyers({ redis, ...system }: System, term: Term, rules: Protocol): Step {
  if (!rules.isStillThere(redis, term)) return ['finds another Redis', { redis, ...system }, REST];
  const orders = term.epochInRedis === term.epochInBooks ? (redis.sale?.orders ?? []) : [];
  const released = orders.filter(({ releasedVersion }) => releasedVersion !== undefined);
  const missing = orders.filter(({ releasedVersion }) => releasedVersion === undefined).map(withoutRelease);
  const hands = { ...handsOf({ runId: term.runId, orders: missing }), drainedIn: term.epochInBooks };
  const now: Guard = { ...term, at: term.wentBack ? 'finishing again' : 'recording releases', hands, released };
  return ['reads buyers', { redis, ...system }, orders.length > 0 ? now : { ...term, at: 'starting the epoch' }];
}

const withoutRelease = ({ releasedVersion: _, ...order }: Order) => order;

/** What Redis knows and the books do not. */
function catchingUp(system: System, guard: CatchingUp, rules: Protocol): Step {
  const { books } = system;
  const { released } = guard;
  const inBooks = { epoch: guard.epochInBooks, runId: guard.runId };
  switch (guard.at) {
    case 'finishing again': {
      const finished = rules.finishAgain(books, inBooks, released);
      if (!finished) return ['finds the books changed', system, REST];
      const name = `finishes ${namesOf(released)} again`;
      return [name, { ...system, books: finished }, { ...guard, at: 'recording releases' }];
    }
    case 'recording releases': {
      const recorded = rules.recordReleases(books, inBooks, released);
      if (!recorded) return ['finds the books changed', system, REST];
      const name = `records ${namesOf(released)} as given back`;
      const areMissing = guard.hands.toStore.some(({ length }) => length > 0);
      const now: Guard = areMissing
        ? { ...guard, at: 'storing buyers' }
        : { ...termOf(guard), at: 'starting the epoch' };
      return [name, { ...system, books: recorded }, now];
    }
    case 'storing buyers': {
      const [name, next, left] = settle(system, guard.hands, rules);
      if (left === 'fenced') return [name, next, REST];
      return [name, next, left === 'done' ? { ...termOf(guard), at: 'starting the epoch' } : { ...guard, hands: left }];
    }
  }
}

/** Each script checks that the lane is still closed under this token, on this Redis. */
function writing(system: System, guard: Writing, rules: Protocol): Step {
  const { redis, books } = system;
  const { epoch, recorded } = guard;
  const term = termOf(guard);
  switch (guard.at) {
    case 'reading the new books': {
      const now: Guard = { ...guard, at: 'writing the sale', orders: rules.snapshot(books) };
      return ['reads the books', system, now];
    }
    case 'writing the sale': {
      const [lane, isWritten] = rules.writeSale(redis, term, { total: books.total, configuration: TERMS });
      const now: Guard = { ...guard, at: guard.orders.length > 0 ? 'writing buyers' : 'opening' };
      return outcome(isWritten, ['writes the sale anew', { ...system, redis: lane }, now]);
    }
    case 'writing buyers': {
      const [first, ...orders] = guard.orders as [Order, ...Order[]];
      const [lane, isWritten] = rules.writeBuyers(redis, term, [first]);
      const now: Guard = { ...guard, orders, at: orders.length > 0 ? 'writing buyers' : 'opening' };
      return outcome(isWritten, [`writes ${first.orderId}`, { ...system, redis: lane }, now]);
    }
    case 'opening': {
      const [lane, isOpen] = rules.open(redis, term, { epoch, recorded });
      return outcome(isOpen, ['opens the lane', { ...system, redis: lane }, REST]);
    }
  }
}

const outcome = (isDone: boolean, [name, next, now]: Step): Step =>
  isDone ? [name, next, now] : [`may not: ${name}`, next, REST];
