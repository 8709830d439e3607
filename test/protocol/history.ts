/**
 * Whether what clients saw and what Postgres has recorded can be one history of one sale in one lane (GUARANTEES.md).
 *
 * Pure. Meant for the end of a run, when everything is recorded. Times are those of one clock: the clients'.
 * Does not:  judge refusals. Whether a SOLD_OUT was right depends on decisions of which no record says when they were seen.
 */
import { epochOf } from '../../src/stock/version.js';
import * as clients from './what-clients-saw.js';
import { emptyLane, type Lane, NOTHING_SEEN, release, reserve } from './lane.js';

/** One request of a client, and its answer. */
export interface Observed {
  buyer: string;
  key: string;
  quantity: number;
  sentAtMs: number;
  /** Absent when no answer came. */
  answeredAtMs?: number;
  /** `ok` has an order, `fail` is a definite refusal, `info` may or may not have happened. */
  outcome: 'ok' | 'fail' | 'info';
  orderId?: string;
  version?: number;
}

/** One order as Postgres has it. */
export interface Decided {
  orderId: string;
  buyer: string;
  key: string;
  quantity: number;
  version: number;
  releasedVersion: number | null;
  status: string;
}

/** One change of the stock that was applied. */
export interface Adjusted {
  version: number;
  delta: number;
}

export interface History {
  /** Units on sale before any adjustment. */
  total: number;
  perUserLimit: number;
  observed: readonly Observed[];
  decided: readonly Decided[];
  adjusted?: readonly Adjusted[];
  /** Ids of orders that are known to be gone: acceptances that Redis lost, or that were rejected with an audit entry. */
  namedLosses: readonly string[];
  /** Epochs whose last decisions Redis lost: a release among them is recorded as one of a later epoch. */
  lossyEpochs?: readonly number[];
}

/** @returns one line for each violation, which begins with the number of the guarantee; none for a history that is right. */
export function checkHistory(history: History): string[] {
  return [
    ...clients.violations(history),
    ...versionsUsedTwice(history),
    ...history.decided.flatMap(releaseThatShouldNotBe),
    ...replayed(history),
  ];
}

function versionsUsedTwice({ decided, adjusted = [] }: History): string[] {
  const used = new Set<number>();
  const versions = [...decided, ...adjusted].flatMap((one) =>
    'releasedVersion' in one && one.releasedVersion !== null ? [one.version, one.releasedVersion] : [one.version],
  );
  return versions
    .filter((version) => used.size === used.add(version).size)
    .map((version) => `G12 two decisions have the version ${version}`);
}

const UNPAID = ['expired', 'cancelled', 'rejected'];

function releaseThatShouldNotBe({ orderId, version, status, releasedVersion }: Decided): string[] {
  const isOver = UNPAID.includes(status);
  if (releasedVersion === null) {
    return isOver ? [`G18 order ${orderId} is ${status}, and its units never came back`] : [];
  }
  if (!isOver) return [`G18 the units of order ${orderId} came back, and it is ${status}`];
  return releasedVersion > version ? [] : [`G18 the units of order ${orderId} came back before it was accepted`];
}

type Event = { version: number } & (
  { is: 'acceptance'; order: Decided } | { is: 'release'; order: Decided } | { is: 'adjustment'; delta: number }
);

/** All decisions in their order, through the model: it must decide each as it was decided. */
function replayed(history: History): string[] {
  const violations: string[] = [];
  let lane = anOpenLane(history);
  for (const event of eventsOf(history)) {
    lane = { ...lane, epoch: epochOf(event.version), version: event.version - 1 };
    const [next, violation] = replayedOne(lane, event, history);
    if (violation !== undefined) violations.push(violation);
    lane = next;
  }
  return violations;
}

function eventsOf({ decided, adjusted = [] }: History): Event[] {
  const acceptances = decided.map((order): Event => ({ is: 'acceptance', version: order.version, order }));
  const releases = decided.flatMap((order): Event[] =>
    order.releasedVersion === null ? [] : [{ is: 'release', version: order.releasedVersion, order }],
  );
  const adjustments = adjusted.map((one): Event => ({ is: 'adjustment', ...one }));
  return [...acceptances, ...releases, ...adjustments].sort((a, b) => a.version - b.version);
}

function replayedOne(lane: Lane, event: Event, history: History): [Lane, string | undefined] {
  switch (event.is) {
    case 'acceptance':
      return accepted(lane, event.order, history);
    case 'release': {
      const [next, [answer]] = release(lane, { seen: NOTHING_SEEN, orderIds: [event.order.orderId] });
      const isUnknown = answer?.outcome === 'MISSING' || (answer?.outcome === 'ALREADY' && !history.lossyEpochs);
      return [next, isUnknown ? `G18 ${answer.outcome}: release of order ${event.order.orderId}` : undefined];
    }
    case 'adjustment':
      return adjusted(lane, event);
  }
}

function adjusted(lane: Lane, { version, delta }: Adjusted): [Lane, string | undefined] {
  const sale = lane.sale as NonNullable<Lane['sale']>;
  const total = sale.total + delta;
  const held = sale.orders.reduce((units, one) => units + (one.releasedVersion === undefined ? one.quantity : 0), 0);
  const isTooLow = total < held;
  const violation = isTooLow ? `G3 after version ${version} ${held} units are held of ${total}` : undefined;
  return [{ ...lane, version, sale: { ...sale, total } }, violation];
}

const RULES: Record<string, string> = {
  SOLD_OUT: 'G3 more units than there are were held after',
  LIMIT_REACHED: 'G4 its buyer held more than the limit after',
  REPEATED: 'G8 its buyer had an order with this key before',
  KEY_REUSED: 'G8 its buyer had an order with this key before',
};

/** The order is taken into the lane even if it is wrong: what follows is judged by what really happened. */
function accepted(lane: Lane, order: Decided, history: History): [Lane, string | undefined] {
  const request = { orderId: order.orderId, buyer: order.buyer, idempotencyKey: order.key, quantity: order.quantity };
  const [next, [decision]] = reserve(lane, { seen: NOTHING_SEEN, nowMs: 0, requests: [request] });
  if (decision?.outcome === 'ACCEPTED') return [next, undefined];

  const early = releasedByALoss(lane, history);
  if (early) return accepted(early, order, history);
  const sale = lane.sale as NonNullable<Lane['sale']>;
  const forced = { ...request, version: order.version, decidedAtMs: 0, releasedVersion: undefined };
  return [
    { ...lane, version: order.version, sale: { ...sale, orders: [...sale.orders, forced] } },
    `${RULES[decision?.outcome ?? ''] ?? 'G12'} version ${order.version} (order ${order.orderId}, ${order.buyer})`,
  ];
}

/** The lane without one order whose units had come back in an epoch whose end was lost, and which a rebuild recorded later. */
function releasedByALoss(lane: Lane, { decided, lossyEpochs = [] }: History): Lane | undefined {
  const epoch = lane.epoch ?? 0;
  if (!lossyEpochs.includes(epoch)) return undefined;
  const candidate = lane.sale?.orders.find(({ orderId, releasedVersion }) => {
    const onRecord = decided.find((one) => one.orderId === orderId)?.releasedVersion ?? 0;
    return releasedVersion === undefined && epochOf(onRecord) > epoch;
  });
  if (!candidate) return undefined;
  const [next] = release(lane, { seen: NOTHING_SEEN, orderIds: [candidate.orderId] });
  return { ...next, version: lane.version };
}

function anOpenLane({ total, perUserLimit }: History): Lane {
  const configuration = { version: 1, paused: false, ended: false, startsAtMs: 0, endsAtMs: 1, perUserLimit };
  const opened = { state: 'open', runId: 'redis', epoch: 0, version: 0, recorded: 0 } as const;
  return { ...emptyLane('redis'), ...opened, sale: { total, configuration, orders: [] } };
}
