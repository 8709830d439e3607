/**
 * One lane and its sale as Postgres has them. Each function is one transaction: it takes the books and returns the next
 * ones, or the very same when it changes nothing.
 */
import { baseOf, epochOf } from '../../src/stock/version.js';
import type { Entry, Order } from './lane.js';

export interface Row extends Order {
  status: 'pending' | 'paid' | 'expired';
}

/** An entry of the stream that was set aside. */
export interface Letter {
  orderId: string;
  reason: 'superseded' | 'refused-by-database';
}

export interface Books {
  /** The fence. */
  epoch: number;
  runId: string;
  maxVersion: number;
  recorded: number;
  guardToken: number;
  /** The veto: pending and paid together are never more than the total. */
  total: number;
  held: number;
  /** By order id: the order in which they came tells nothing. */
  rows: readonly Row[];
  letters: readonly Letter[];
  /** By an operator; the next epoch answers it. */
  rebuildAsked: string | null;
}

export interface ToStore {
  /** The Redis from which they were read. */
  runId: string;
  orders: readonly Entry['order'][];
  /** For what `buyers` holds, which may be of any epoch: only while the lane is in this one, in which it is drained. */
  drainedIn?: number | undefined;
  /** What Redis knew to be recorded when they were read. Nothing is stored in books that have forgotten some of it. */
  known?: Known | undefined;
}

export interface Known {
  epoch: number;
  recorded: number;
}

const hasForgotten = (books: Books, known: Known | undefined) =>
  known !== undefined && books.epoch === known.epoch && books.recorded < known.recorded;

export interface Stored {
  epoch: number;
  recorded: number;
  /** Those that were left alone. */
  passedOver: readonly Entry['order'][];
}

const byOrderId = (rows: readonly Row[]) => [...rows].sort((a, b) => (a.orderId < b.orderId ? -1 : 1));

export const rowOf = ({ rows }: Books, orderId: string): Row | undefined => rows.find((row) => row.orderId === orderId);

/** @returns undefined when the lane belongs to another Redis, 'refused' when a row breaks a rule: nothing changed. */
export function store(
  books: Books,
  { runId, orders, drainedIn, known }: ToStore,
): [Books, Stored] | 'refused' | undefined {
  const { epoch, rows, total } = books;
  if (books.runId !== runId || (drainedIn ?? epoch) !== epoch || hasForgotten(books, known)) return undefined;
  const fresh = orders.filter((order) => {
    const isOurs = drainedIn !== undefined || epochOf(order.version) === epoch;
    return isOurs && !rowOf(books, order.orderId);
  });
  const passedOver = orders.filter((order) => !fresh.includes(order));
  if (fresh.length === 0) return [books, { epoch, recorded: books.recorded, passedOver }];

  const held = books.held + fresh.reduce((units, { quantity }) => units + quantity, 0);
  const isOfTheSameKey = (one: Entry['order']) => (other: Entry['order']) =>
    other.orderId !== one.orderId && other.buyer === one.buyer && other.idempotencyKey === one.idempotencyKey;
  if (held > total || fresh.some((order) => [...rows, ...fresh].some(isOfTheSameKey(order)))) return 'refused';

  const recorded = books.recorded + fresh.filter(({ version }) => epochOf(version) === epoch).length;
  const maxVersion = Math.max(books.maxVersion, ...fresh.map(({ version }) => version));
  const added = fresh.map((order): Row => ({ ...order, releasedVersion: undefined, status: 'pending' }));
  const next = { ...books, held, recorded, maxVersion, rows: byOrderId([...rows, ...added]) };
  return [next, { epoch, recorded, passedOver }];
}

/**
 * What becomes of orders that were left alone in that epoch: dead letters, unless somebody has stored them.
 *
 * @returns undefined when one is of this epoch, or of a later one that Postgres has forgotten: all are taken again.
 */
export function toBury(books: Books, epoch: number, orders: readonly Entry['order'][]): Letter[] | undefined {
  const missing = orders.filter(({ orderId }) => !rowOf(books, orderId));
  if (missing.some(({ version }) => epochOf(version) >= epoch)) return undefined;
  return missing.map(({ orderId }) => ({ orderId, reason: 'superseded' }));
}

export function bury(books: Books, letter: Letter): Books {
  if (books.letters.some(({ orderId }) => orderId === letter.orderId)) return books;
  return { ...books, letters: [...books.letters, letter].sort((a, b) => (a.orderId < b.orderId ? -1 : 1)) };
}

const change = (books: Books, orderId: string, to: Partial<Row>): readonly Row[] =>
  books.rows.map((row) => (row.orderId === orderId ? { ...row, ...to } : row));

/** Whoever finds the order pending moves it. */
export function leave(books: Books, orderId: string, status: 'paid' | 'expired'): Books {
  const row = rowOf(books, orderId);
  if (row?.status !== 'pending') return books;
  const held = status === 'expired' ? books.held - row.quantity : books.held;
  return { ...books, held, rows: change(books, orderId, { status }) };
}

/** Under what a lane has decided something: it may be recorded only while both are still so. */
export interface Term {
  epoch: number;
  runId: string;
  /** What Redis knew to be recorded then. */
  recorded?: number;
}

const isInTerm = (books: Books, { epoch, runId, recorded = 0 }: Term) =>
  books.epoch === epoch && books.runId === runId && books.recorded >= recorded;

/** @returns undefined when the lane is not in that term any more: nothing changed. */
export function recordReleases(
  books: Books,
  term: Term,
  released: readonly Pick<Order, 'orderId' | 'releasedVersion'>[],
): Books | undefined {
  if (!isInTerm(books, term)) return undefined;
  return released.reduce((all, { orderId, releasedVersion }) => {
    const row = rowOf(all, orderId);
    if (releasedVersion === undefined || row?.status !== 'expired' || row.releasedVersion !== undefined) return all;
    const maxVersion = Math.max(all.maxVersion, releasedVersion);
    return { ...all, recorded: all.recorded + 1, maxVersion, rows: change(all, orderId, { releasedVersion }) };
  }, books);
}

/** Postgres has forgotten that these orders had expired, or that there were any. Not counted: the epoch is over anyway. */
export function finishAgain(books: Books, term: Term, released: readonly Order[]): Books | undefined {
  if (!isInTerm(books, term)) return undefined;
  return released.reduce((all, order) => {
    const { orderId, releasedVersion, quantity } = order;
    const row = rowOf(all, orderId);
    if (!row) return { ...all, rows: byOrderId([...all.rows, { ...order, status: 'expired' }]) };
    if (row.status !== 'pending') return all;
    return { ...all, held: all.held - quantity, rows: change(all, orderId, { status: 'expired', releasedVersion }) };
  }, books);
}

/** What of a lane in Redis was compared with its books. */
export interface ComparedWithBooks {
  epoch: number;
  version: number;
  recorded: number;
  serverRunId: string;
  guardToken: number;
}

/** Takes a restarted Redis over, if the books are still those that were judged. @returns undefined when they are not. */
export function takeOver(books: Books, redis: ComparedWithBooks, judgedRunId: string): Books | undefined {
  const { epoch, maxVersion, recorded, runId, guardToken } = books;
  const isBehind = maxVersion > redis.version || recorded < redis.recorded;
  if (epoch !== redis.epoch || isBehind || runId !== judgedRunId) return undefined;
  return { ...books, runId: redis.serverRunId, guardToken: Math.max(guardToken, redis.guardToken) + 1 };
}

export const raiseToken = (books: Books, tokenInRedis: number): Books => ({
  ...books,
  guardToken: Math.max(books.guardToken, tokenInRedis) + 1,
});

/** A guard has closed the lane in a Redis: what is stored from now on comes from that one. */
export function claim(books: Books, by: { token: number; runId: string; epochInRedis: number }): Books | undefined {
  const { token, runId, epochInRedis } = by;
  if (books.guardToken !== token) return undefined;
  const claimed = { ...books, runId };
  if (epochInRedis <= books.epoch) return claimed;
  return { ...claimed, epoch: epochInRedis, maxVersion: baseOf(epochInRedis), recorded: 0 };
}

/** Starts the next epoch: what was finished and not given back is given back by it. */
export function startEpoch(
  books: Books,
  by: { token: number; runId: string },
  epochInRedis: number,
): Books | undefined {
  if (books.guardToken !== by.token || books.runId !== by.runId) return undefined;
  const epoch = Math.max(books.epoch, epochInRedis) + 1;
  let version = baseOf(epoch);
  const rows = books.rows.map((row) =>
    row.status === 'expired' && row.releasedVersion === undefined ? { ...row, releasedVersion: (version += 1) } : row,
  );
  return { ...books, epoch, rows, maxVersion: version, recorded: version - baseOf(epoch), rebuildAsked: null };
}
