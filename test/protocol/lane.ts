/**
 * What a lane decides, said a second time: one sale in one lane as docs/PROTOCOL.md describes it, in plain TypeScript.
 *
 * Pure: each function takes a lane and returns the next one, or the very same one when nothing changes. So a test, an
 * explorer or a checker of histories can keep any lane it has met, and go back to it. What guards and workers do to a
 * lane stands in lane-under-guard.ts and lane-stream.ts.
 *
 * Only what was decided is kept. What Redis must keep up to date beside it follows from the orders here: units held and
 * units available.
 */
import type { Decision, ReserveRequest, Refusal } from '../../src/stock/decision.js';
import type { SaleConfiguration } from '../../src/stock/stock.js';
import type { Release } from '../../src/stock/stock-replies.js';
import { baseOf } from '../../src/stock/version.js';

/** Of one buyer in one sale, released ones counted. */
const ORDERS_MAX = 20;

export interface Order extends ReserveRequest {
  version: number;
  decidedAtMs: number;
  /** The version of its give-back, or undefined while its units are held. */
  releasedVersion: number | undefined;
}

export interface Sale {
  total: number;
  configuration: SaleConfiguration;
  /** In the order in which they were accepted: the stream. */
  orders: readonly Order[];
}

/** An accepted order on its way to Postgres. Acknowledged ones are kept for a while, and never given out again. */
export interface Entry {
  order: Omit<Order, 'releasedVersion'>;
  is: 'unread' | 'pending' | 'acknowledged';
}

export interface Lane {
  state: 'open' | 'closed' | 'missing';
  /** This and the next three are undefined until the lane is opened for the first time. */
  epoch: number | undefined;
  version: number | undefined;
  /** Decisions of this epoch that Postgres is known to have recorded. */
  recorded: number | undefined;
  /** The Redis on which the lane was verified. */
  runId: string | undefined;
  /** The Redis that answers. */
  serverRunId: string;
  /** For each earlier run id of this epoch, the version at which it was taken over. */
  ends: Readonly<Record<string, number>>;
  /** Highest version that is known to be gone. */
  lost: number | undefined;
  /** 0 before the first guard. */
  guardToken: number;
  sale: Sale | undefined;
  /** A rebuild leaves it alone: entries of earlier epochs may still be in it. */
  stream: readonly Entry[];
}

/** The highest version that a process was ever answered, and by which Redis. */
export interface Seen {
  version: number;
  runId: string;
}

export interface Call {
  seen: Seen;
  /** Redis' clock: one moment for the whole call. */
  nowMs: number;
  requests: readonly ReserveRequest[];
  /** Decisions that may be made and not recorded; without it, any number. */
  backlogMax?: number;
}

export const NOTHING_SEEN: Seen = { version: 0, runId: '' };

export const emptyLane = (serverRunId: string): Lane => ({
  state: 'missing',
  epoch: undefined,
  version: undefined,
  recorded: undefined,
  runId: undefined,
  serverRunId,
  ends: {},
  lost: undefined,
  guardToken: 0,
  sale: undefined,
  stream: [],
});

const sum = (orders: readonly Order[]) => orders.reduce((units, { quantity }) => units + quantity, 0);

export const unitsHeld = (orders: readonly Order[]): number =>
  sum(orders.filter(({ releasedVersion }) => releasedVersion === undefined));

export const unitsAvailable = (sale: Sale): number => sale.total - unitsHeld(sale.orders);

/** Whether the lane decides: it says so, on the Redis on which it was verified. */
export const mayDecide = (lane: Lane): lane is DecidingLane =>
  lane.state === 'open' && lane.runId === lane.serverRunId && lane.version !== undefined;
type DecidingLane = Lane & { epoch: number; version: number; recorded: number };

/** The requests of one call, one after another: each sees those before it. */
export function reserve(lane: Lane, { seen, nowMs, requests, backlogMax = Infinity }: Call): [Lane, Decision[]] {
  const unavailable: Decision[] = requests.map(() => ({ outcome: 'UNAVAILABLE' }));
  if (hasLost(lane, seen)) return [closeAsLost(lane, seen), unavailable];
  if (!mayDecide(lane) || !lane.sale) return [lane, unavailable];

  let { sale, version, stream } = lane;
  const decisions = requests.map((request): Decision => {
    const decision = decide(sale, request, nowMs);
    if (decision !== 'ACCEPTED') return decision;
    if (version >= baseOf(lane.epoch) + lane.recorded + backlogMax) return { outcome: 'OVERLOADED' };
    version += 1;
    const order = { ...request, version, decidedAtMs: nowMs };
    sale = { ...sale, orders: [...sale.orders, { ...order, releasedVersion: undefined }] };
    stream = [...stream, { order, is: 'unread' }];
    return answer('ACCEPTED', order);
  });
  return [version === lane.version ? lane : { ...lane, version, sale, stream }, decisions];
}

function decide(sale: Sale, request: ReserveRequest, nowMs: number): Decision | 'ACCEPTED' {
  const ofThisBuyer = sale.orders.filter(({ buyer }) => buyer === request.buyer);
  const earlier = ofThisBuyer.find(({ idempotencyKey }) => idempotencyKey === request.idempotencyKey);
  if (earlier) return earlier.quantity === request.quantity ? answer('REPEATED', earlier) : { outcome: 'KEY_REUSED' };

  const halted = whyHalted(sale.configuration, nowMs);
  if (halted) return { outcome: halted };
  const wouldHold = unitsHeld(ofThisBuyer) + request.quantity;
  if (wouldHold > sale.configuration.perUserLimit || ofThisBuyer.length >= ORDERS_MAX) {
    return { outcome: 'LIMIT_REACHED' };
  }
  return unitsAvailable(sale) < request.quantity ? { outcome: 'SOLD_OUT' } : 'ACCEPTED';
}

function whyHalted({ ended, paused, startsAtMs, endsAtMs }: SaleConfiguration, nowMs: number): Refusal | undefined {
  if (ended) return 'ENDED';
  if (paused) return 'PAUSED';
  if (nowMs < startsAtMs) return 'NOT_STARTED';
  return nowMs >= endsAtMs ? 'ENDED' : undefined;
}

const answer = (outcome: 'ACCEPTED' | 'REPEATED', { orderId, version, decidedAtMs }: Entry['order']): Decision => ({
  outcome,
  orderId,
  version,
  decidedAtMs,
});

/** Whether anything is gone that the caller was answered; of a lane that is missing everything is. */
const hasLost = ({ version = 0, ends }: Lane, seen: Seen) =>
  version < seen.version || (ends[seen.runId] ?? Infinity) < seen.version;

/** Also while it waits to be armed, and when nothing is left of it. */
const closeAsLost = (lane: Lane, { version }: Seen): Lane => ({
  ...lane,
  state: 'closed',
  lost: Math.max(version, lane.lost ?? 0),
});

/** What a process knows after the answer to its call. An UNAVAILABLE tells nothing. */
export function remember(
  seen: Seen,
  { version = 0, serverRunId }: Lane,
  [first]: readonly { outcome: string }[],
): Seen {
  if (first?.outcome === 'UNAVAILABLE' || version < seen.version) return seen;
  return version === seen.version && serverRunId === seen.runId ? seen : { version, runId: serverRunId };
}

/** Gives the units of orders back, one after another. Said again it changes nothing. */
export function release(
  lane: Lane,
  { seen, orderIds }: { seen: Seen; orderIds: readonly string[] },
): [Lane, Release[]] {
  const unavailable: Release[] = orderIds.map(() => ({ outcome: 'UNAVAILABLE' }));
  if (hasLost(lane, seen)) return [closeAsLost(lane, seen), unavailable];
  if (!mayDecide(lane) || !lane.sale) return [lane, unavailable];

  let { sale, version } = lane;
  const releases = orderIds.map((orderId): Release => {
    const order = sale.orders.find((one) => one.orderId === orderId);
    if (!order) return { outcome: 'MISSING' };
    if (order.releasedVersion !== undefined) return { outcome: 'ALREADY', version: order.releasedVersion };
    version += 1;
    const released = { ...order, releasedVersion: version };
    sale = { ...sale, orders: sale.orders.map((one) => (one === order ? released : one)) };
    return { outcome: 'RELEASED', version };
  });
  return [version === lane.version ? lane : { ...lane, version, sale }, releases];
}

export function load(lane: Lane, epoch: number, terms: Pick<Sale, 'total' | 'configuration'>): [Lane, string] {
  if (!mayDecide(lane) || lane.epoch !== epoch) return [lane, 'UNAVAILABLE'];
  return lane.sale ? [lane, 'PRESENT'] : [{ ...lane, sale: { ...terms, orders: [] } }, 'LOADED'];
}

export function configure(lane: Lane, configuration: SaleConfiguration): [Lane, string] {
  if (!mayDecide(lane)) return [lane, 'UNAVAILABLE'];
  if (!lane.sale) return [lane, 'MISSING'];
  if (lane.sale.configuration.version >= configuration.version) return [lane, 'OUTDATED'];
  return [{ ...lane, sale: { ...lane.sale, configuration } }, 'CONFIGURED'];
}
