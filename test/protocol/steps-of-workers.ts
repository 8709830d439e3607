import type { Entry } from './lane.js';
import type { Taken } from './lane-stream.js';
import type { Protocol } from './protocol.js';
import { type Emit, type Hands, type System, withOne } from './system.js';

/** Workers take entries off the stream, have them stored, and acknowledge. A paused one simply takes no step. */
export function stepsOfWorkers(system: System, rules: Protocol, emit: Emit): void {
  system.workers.forEach((hands, index) => {
    const who = `worker ${index + 1}`;
    const withHands = (next: System, now: Hands | undefined): System => ({
      ...next,
      workers: withOne(next.workers, index, now),
    });
    if (!hands) {
      for (const which of ['unread', 'pending'] as const) {
        const [redis, taken] = rules.take(system.redis, which);
        if (redis === system.redis && taken.orders.length === 0) continue;
        const name = which === 'unread' ? `${who} reads` : `${who} takes over`;
        emit('work', `${name} ${namesOf(taken.orders)}`, withHands({ ...system, redis }, handsOf(taken)));
      }
      return;
    }
    const [name, next, left] = settle(system, hands, rules);
    emit('work', `${who} ${name}`, withHands(next, typeof left === 'string' ? undefined : left));
    emit('crash', `${who} dies`, withHands(system, undefined));
  });
}

export const namesOf = (orders: readonly { orderId: string }[]): string =>
  orders.map(({ orderId }) => orderId).join(', ');

export const handsOf = ({ runId, orders, known }: Taken): Hands => ({
  runId,
  known,
  toStore: [orders],
  epoch: 0,
  recorded: 0,
  passedOver: [],
  toBury: [],
  toStrikeOff: [],
  done: [],
});

/** What is left to do: nothing, or nothing that may be done now. */
type Left = Hands | 'done' | 'fenced';

/** The next transaction or script on the way into the books. */
export function settle(system: System, hands: Hands, rules: Protocol): [string, System, Left] {
  const { books, redis } = system;
  const isFromTheStream = hands.drainedIn === undefined;
  const [letter, ...letters] = hands.toBury;
  const [orderId, ...others] = hands.toStrikeOff;
  if (hands.toStore[0]) return store(system, hands, rules);
  if (hands.passedOver.length > 0) {
    return [`looks for ${namesOf(hands.passedOver)}`, system, judged(books, hands, rules)];
  }
  if (letter) {
    const toStrikeOff = isFromTheStream ? [...hands.toStrikeOff, letter.orderId] : [];
    const next = { ...system, books: rules.bury(books, letter) };
    return [`lists ${letter.orderId} as ${letter.reason}`, next, finished({ ...hands, toBury: letters, toStrikeOff })];
  }
  if (orderId !== undefined) {
    const next = { ...system, redis: rules.trim(rules.strikeOff(redis, [orderId])) };
    return [`sets ${orderId} aside`, next, finished({ ...hands, toStrikeOff: others })];
  }
  const orderIds = isFromTheStream ? hands.done : [];
  const lane = rules.acknowledge(redis, { orderIds, epoch: hands.epoch, recorded: hands.recorded });
  return [`acknowledges ${hands.done.join(', ')}`, { ...system, redis: rules.trim(lane) }, 'done'];
}

function judged(books: System['books'], hands: Hands, rules: Protocol): Left {
  const toBury = rules.toBury(books, hands.epoch, hands.passedOver);
  if (!toBury) return 'fenced';
  const stored = hands.passedOver.filter((order) => !toBury.some((one) => one.orderId === order.orderId));
  return finished({ ...hands, passedOver: [], toBury, done: [...hands.done, ...stored.map(({ orderId }) => orderId)] });
}

function store(system: System, hands: Hands, rules: Protocol): [string, System, Left] {
  const [batch = [], ...batches] = hands.toStore;
  const name = `stores ${namesOf(batch)}`;
  const { runId, drainedIn, known } = hands;
  const stored = rules.store(system.books, { runId, orders: batch, drainedIn, known });
  if (!stored) return [`${name}: fenced`, system, 'fenced'];
  if (stored === 'refused') return [`${name}: refused`, system, refused(hands, batch, batches)];
  const [books, { epoch, recorded, passedOver }] = stored;
  const added = batch.filter((order) => !passedOver.includes(order)).map(({ orderId }) => orderId);
  const now: Hands = {
    ...hands,
    toStore: batches,
    epoch,
    recorded,
    passedOver: [...hands.passedOver, ...passedOver],
    done: [...hands.done, ...added],
  };
  return [name, { ...system, books }, finished(now)];
}

/** One bad row fails its whole batch: then each is stored alone. */
function refused(hands: Hands, batch: readonly Entry['order'][], batches: Hands['toStore']): Hands {
  const [only] = batch;
  if (batch.length > 1 || !only) return { ...hands, toStore: [...batch.map((order) => [order]), ...batches] };
  return {
    ...hands,
    toStore: batches,
    toBury: [...hands.toBury, { orderId: only.orderId, reason: 'refused-by-database' }],
  };
}

function finished(hands: Hands): Left {
  const { toStore, passedOver, toBury, toStrikeOff, done } = hands;
  return [toStore, passedOver, toBury, toStrikeOff, done].every(({ length }) => length === 0) ? 'done' : hands;
}
