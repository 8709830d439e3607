import { baseOf, epochOf } from '../../src/stock/version.js';
import { type Books, rowOf } from './books.js';
import { type Lane, mayDecide, type Order, unitsHeld } from './lane.js';
import type { System } from './system.js';

/** What must be so in every state, by the name under which its violation is reported. */
export const PROMISES: Record<string, (system: System) => boolean> = {
  'Redis conserves': ({ redis: { sale } }) => !sale || unitsHeld(sale.orders) <= sale.total,
  'Postgres conserves': ({ books }) => unitsOf(books) === books.held && books.held <= books.total,
  'the database refuses nothing': ({ books }) => books.letters.every(({ reason }) => reason !== 'refused-by-database'),
  'only what was lost is set aside': ({ books, world }) =>
    books.letters.every(({ orderId, reason }) => reason !== 'superseded' || world.destroyed.includes(orderId)),
  'one order for each key': ({ books: { rows } }) => new Set(rows.map(({ buyer }) => buyer)).size === rows.length,
  'nothing is sold twice': ({ redis, books }) => {
    const orders = decidedIn(redis);
    return orders === undefined || unitsAlive(orders, books) <= books.total;
  },
  'what is on sale is free in Postgres': ({ redis, books }) => {
    const orders = decidedIn(redis);
    return orders === undefined || books.rows.every((row) => row.status === 'expired' || isHeldBy(orders, row));
  },
  'an accepted order is on its way': ({ redis, books }) =>
    (decidedIn(redis) ?? []).every(({ orderId }) => rowOf(books, orderId) ?? isComing(redis, orderId)),
  'no acceptance is lost': ({ redis, books, world }) =>
    world.promised.every(
      (orderId) => rowOf(books, orderId) ?? redis.sale?.orders.some((order) => order.orderId === orderId),
    ),
  'units come back once': ({ redis, books }) =>
    (decidedIn(redis) ?? []).every(({ orderId, releasedVersion }) => {
      const onRecord = rowOf(books, orderId)?.releasedVersion;
      return onRecord === undefined || onRecord === releasedVersion;
    }),
  'the difference is in flight': ({ redis, books }) => {
    if (!mayDecide(redis)) return true;
    return redis.version - baseOf(redis.epoch) - books.recorded === inFlight(redis, books);
  },
  'Redis knows only what is recorded': ({ redis, books }) => !mayDecide(redis) || redis.recorded <= books.recorded,
  'nothing is decided in an old epoch': ({ redis, books }) => !mayDecide(redis) || redis.epoch === books.epoch,
};

/** The name under which it is reported that the system cannot heal. */
export const HEALS = 'an open lane can be reached';

/** @returns the name of the first promise that is broken. */
export function brokenPromise(system: System, names: readonly string[] = Object.keys(PROMISES)): string | undefined {
  return names.find((name) => PROMISES[name]?.(system) === false);
}

const unitsOf = ({ rows }: Books) =>
  rows.reduce((units, { status, quantity }) => (status === 'expired' ? units : units + quantity), 0);

const decidedIn = (redis: Lane): readonly Order[] | undefined => (mayDecide(redis) ? redis.sale?.orders : undefined);

/** Paid or to be paid, or accepted and not stored. */
const unitsAlive = (orders: readonly Order[], books: Books) =>
  unitsOf(books) + unitsHeld(orders.filter(({ orderId }) => !rowOf(books, orderId)));

const isHeldBy = (orders: readonly Order[], { orderId }: { orderId: string }) =>
  orders.some((order) => order.orderId === orderId && order.releasedVersion === undefined);

const isComing = ({ stream }: Lane, orderId: string) =>
  stream.some(({ order, is }) => order.orderId === orderId && is !== 'acknowledged');

/** Decisions of this epoch that are not on record. */
function inFlight({ epoch = 0, sale }: Lane, books: Books): number {
  return (sale?.orders ?? []).reduce((count, { orderId, version, releasedVersion }) => {
    const row = rowOf(books, orderId);
    const isNew = epochOf(version) === epoch && !row;
    const isReleased = epochOf(releasedVersion ?? 0) === epoch && row?.releasedVersion === undefined;
    return count + Number(isNew) + Number(isReleased);
  }, 0);
}

/** Open, with nothing left to do for anybody: what every state must be able to come to by itself. */
export function isHealthy({ redis, books, workers, guards, giver }: System): boolean {
  const isArmed = mayDecide(redis) && redis.serverRunId === books.runId && redis.epoch === books.epoch;
  if (!isArmed || redis.stream.length > 0) return false;
  const isRecorded = redis.version - baseOf(redis.epoch) === books.recorded && redis.recorded === books.recorded;
  const isIdle =
    workers.every((hands) => !hands) && guards.every(({ at }) => at === 'rest') && !giver.orderId && !giver.given;
  return isRecorded && isIdle && isSame(redis, books);
}

/** Redis is a function of Postgres, and no units are owed to it. */
function isSame({ sale }: Lane, { rows }: Books): boolean {
  const orders = sale?.orders ?? [];
  const isLike = (row: Books['rows'][number]) =>
    orders.some(({ orderId, releasedVersion }) => orderId === row.orderId && releasedVersion === row.releasedVersion);
  const isOwed = rows.some(({ status, releasedVersion }) => status === 'expired' && releasedVersion === undefined);
  return orders.length === rows.length && rows.every(isLike) && !isOwed;
}
