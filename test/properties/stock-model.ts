/**
 * What a lane decides, said a second time: one sale in one lane as docs/PROTOCOL.md describes it, in plain TypeScript.
 *
 * Pure: each function takes a lane and returns the next one, or the very same one when nothing changes. So a test, an
 * explorer or a checker of histories can keep any lane it has met, and go back to it.
 *
 * Only what was decided is kept. What Redis must keep up to date beside it follows from the orders here: units held,
 * units available, and the stream.
 */
import type { Decision, ReserveRequest, Refusal } from '../../src/stock/decision.js';
import type { SaleConfiguration } from '../../src/stock/stock.js';
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

export interface Lane {
  state: 'open' | 'closed' | 'missing';
  /** This and the next two are undefined until the lane is opened for the first time. */
  epoch: number | undefined;
  version: number | undefined;
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
}

export const NOTHING_SEEN: Seen = { version: 0, runId: '' };

export const emptyLane = (serverRunId: string): Lane => ({
  state: 'missing',
  epoch: undefined,
  version: undefined,
  runId: undefined,
  serverRunId,
  ends: {},
  lost: undefined,
  guardToken: 0,
  sale: undefined,
});

const sum = (orders: readonly Order[]) => orders.reduce((units, { quantity }) => units + quantity, 0);

export const unitsHeld = (orders: readonly Order[]): number =>
  sum(orders.filter(({ releasedVersion }) => releasedVersion === undefined));

export const unitsAvailable = (sale: Sale): number => sale.total - unitsHeld(sale.orders);

const mayDecide = (lane: Lane) => lane.state === 'open' && lane.runId === lane.serverRunId;

/** The requests of one call, one after another: each sees those before it. */
export function reserve(lane: Lane, { seen, nowMs, requests }: Call): [Lane, Decision[]] {
  const unavailable: Decision[] = requests.map(() => ({ outcome: 'UNAVAILABLE' }));
  if (lane.version === undefined) return [lane, unavailable];
  if (isGone(lane.version, lane.ends, seen)) return [closeAsLost(lane, seen), unavailable];
  if (!mayDecide(lane) || !lane.sale) return [lane, unavailable];

  let { sale, version } = lane;
  const decisions = requests.map((request): Decision => {
    const decision = decide(sale, request, nowMs);
    if (decision !== 'ACCEPTED') return decision;
    version += 1;
    const order = { ...request, version, decidedAtMs: nowMs, releasedVersion: undefined };
    sale = { ...sale, orders: [...sale.orders, order] };
    return answer('ACCEPTED', order);
  });
  return [version === lane.version ? lane : { ...lane, version, sale }, decisions];
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

const answer = (outcome: 'ACCEPTED' | 'REPEATED', { orderId, version, decidedAtMs }: Order): Decision => ({
  outcome,
  orderId,
  version,
  decidedAtMs,
});

const isGone = (version: number, ends: Lane['ends'], seen: Seen) =>
  version < seen.version || (ends[seen.runId] ?? Infinity) < seen.version;

const closeAsLost = (lane: Lane, { version }: Seen): Lane => ({
  ...lane,
  state: 'closed',
  lost: Math.max(version, lane.lost ?? 0),
});

/** What a process knows after the answer to its call. An UNAVAILABLE tells nothing. */
export function remember(seen: Seen, { version = 0, serverRunId }: Lane, [first]: readonly Decision[]): Seen {
  if (first?.outcome === 'UNAVAILABLE' || version < seen.version) return seen;
  return { version, runId: serverRunId };
}

/** Gives the units of one order back. */
export function release(lane: Lane, orderId: string): Lane {
  const { sale, version } = lane;
  const order = sale?.orders.find((one) => one.orderId === orderId && one.releasedVersion === undefined);
  if (!mayDecide(lane) || version === undefined || !sale || !order) return lane;
  const released = { ...order, releasedVersion: version + 1 };
  const orders = sale.orders.map((one) => (one === order ? released : one));
  return { ...lane, version: version + 1, sale: { ...sale, orders } };
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

/** A guard closes the lane; false when a newer one was here. */
export function close(lane: Lane, token: number): [Lane, boolean] {
  return token < lane.guardToken ? [lane, false] : [{ ...lane, state: 'closed', guardToken: token }, true];
}

/** A guard opens the lane that it has closed, at the start of an epoch. */
export function open(lane: Lane, token: number, epoch: number): [Lane, boolean] {
  if (lane.state !== 'closed' || lane.guardToken !== token) return [lane, false];
  const opened = { state: 'open', epoch, version: baseOf(epoch), runId: lane.serverRunId, ends: {}, lost: undefined };
  return [{ ...lane, ...opened } as Lane, true];
}

/** A guard lets a lane with unchanged data decide on another Redis. */
export function arm(lane: Lane, token: number, compared: { epoch: number; version: number }): [Lane, boolean] {
  const { state, epoch, version, runId, serverRunId, lost } = lane;
  const isAsCompared = state === 'open' && epoch === compared.epoch && version === compared.version;
  if (!isAsCompared || lost !== undefined || token < lane.guardToken) return [lane, false];
  const ends = runId === undefined || runId === serverRunId ? lane.ends : { ...lane.ends, [runId]: version };
  return [{ ...lane, runId: serverRunId, ends, guardToken: token }, true];
}
