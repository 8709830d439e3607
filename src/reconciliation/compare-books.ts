import { z } from 'zod';
import { identifier } from '../platform/http/shapes.js';
import type { Backlog } from '../order-stream/order-stream.js';
import type { LaneInRedis } from '../stock/lane-gate.js';
import type { LaneVerdict } from '../stock/lane-verdict.js';
import type { SaleCounters } from '../stock/stock.js';
import { baseOf } from '../stock/version.js';
import type { ComparedOrders } from './compare-orders.js';
import type { NamedOrders } from './named-orders.js';
import type { LaneOnRecord } from './sale-on-record.js';

/** One sale in one lane, as both sides have it. */
export interface LaneBooks {
  onRecord: LaneOnRecord;
  redis: LaneInRedis;
  verdict: LaneVerdict;
  /** Undefined when the sale is not in Redis. */
  counters: SaleCounters | undefined;
  orders: ComparedOrders;
  backlog: Backlog;
  /** Nothing was decided or recorded while this was read. */
  isStill: boolean;
}

/** Each has a section in docs/OPERATIONS.md: what it means, what mends it. */
export const DIFFERENCE_KINDS = [
  'lane-closed',
  'sale-not-in-redis',
  'totals-differ',
  'redis-not-conserved',
  'postgres-not-conserved',
  'decisions-not-recorded',
  'order-not-stored',
  'order-not-in-redis',
  'order-differs',
  'release-not-recorded',
  'release-not-in-redis',
  'held-differs',
  'charge-without-paid-order',
  'paid-without-charge',
  'refund-overdue',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export const differenceShape = z.object({
  kind: z.enum(DIFFERENCE_KINDS),
  orderId: identifier.optional(),
  detail: z.string(),
});
export type Difference = z.infer<typeof differenceShape>;

/** All that is wrong with a sale in one lane. Pure. */
export function compareBooks(books: LaneBooks): Difference[] {
  const { onRecord, verdict, counters } = books;
  if ('because' in verdict) return [different('lane-closed', books, verdict.because)];
  if (!counters && onRecord.isSealed) return conservedOnRecord(books);
  if (!counters) return onRecord.isLoaded ? [different('sale-not-in-redis', books, 'Redis has lost the sale')] : [];
  return [
    ...conservedOnRecord(books),
    ...sameTotals(books, counters),
    ...(books.isStill ? conservedInRedis(books, counters) : []),
    ...(isDrained(books) ? unrecorded(books) : []),
    ...(isQuiescent(books) ? agreeing(books) : []),
  ];
}

/** Nothing is in flight, but for decisions that wait for an operator: every figure is exact. */
export function isQuiescent(books: LaneBooks): boolean {
  return isDrained(books) && missingDecisions(books) === books.onRecord.waitingDecisions;
}

/** Every entry of the lane was dealt with, and Redis knows it. */
function isDrained({ isStill, redis, onRecord, backlog }: LaneBooks): boolean {
  return isStill && redis.recorded === onRecord.recorded && backlog.unread + backlog.pending === 0;
}

const missingDecisions = ({ redis, onRecord }: LaneBooks) => redis.version - baseOf(redis.epoch) - onRecord.recorded;

function conservedOnRecord(books: LaneBooks): Difference[] {
  const { pendingPayment, paid, held } = books.onRecord;
  if (pendingPayment + paid === held) return [];
  const orders = `${pendingPayment} pending + ${paid} paid`;
  return [different('postgres-not-conserved', books, `orders hold ${orders}, sale_lanes.held is ${held}`)];
}

/** An adjustment changes one side before the other. */
function sameTotals(books: LaneBooks, { total }: SaleCounters): Difference[] {
  const { onRecord } = books;
  if (total === onRecord.total || onRecord.pendingAdjustments > 0) return [];
  return [different('totals-differ', books, `Redis has ${total}, Postgres ${onRecord.total}`)];
}

function conservedInRedis(books: LaneBooks, { total, available }: SaleCounters): Difference[] {
  const { held } = books.orders;
  if (total === available + held && available >= 0) return [];
  return [different('redis-not-conserved', books, `total ${total} is not ${available} available + ${held} held`)];
}

/** Releases and adjustments are recorded a moment after they were decided, so neither may be under way in the lane. */
function unrecorded(books: LaneBooks): Difference[] {
  const { waitingDecisions, pendingAdjustments, owedOrders } = books.onRecord;
  const missing = missingDecisions(books) - waitingDecisions;
  if (missing <= 0 || pendingAdjustments + owedOrders > 0) return [];
  return [different('decisions-not-recorded', books, `${missing} decisions are neither recorded nor on their way`)];
}

function agreeing(books: LaneBooks): Difference[] {
  const { onRecord, orders } = books;
  const differences = [
    ...named('order-not-stored', books, orders.notStored),
    ...named('order-not-in-redis', books, orders.notInRedis),
    ...named('order-differs', books, orders.different),
    ...named('release-not-recorded', books, orders.releaseNotRecorded),
    ...named('release-not-in-redis', books, orders.releaseNotInRedis),
  ];
  const heldOnRecord = onRecord.pendingPayment + onRecord.paid + onRecord.toGiveBack;
  if (orders.held !== heldOnRecord) {
    differences.push(different('held-differs', books, `Redis holds ${orders.held}, Postgres ${heldOnRecord}`));
  }
  return differences;
}

const WORDS = {
  'order-not-stored': 'Redis holds it, Postgres has no such order',
  'order-not-in-redis': 'Postgres has it, its buyer in Redis does not',
  'order-differs': 'both have it, with other content',
  'release-not-recorded': 'Redis has given its units back, Postgres has not',
  'release-not-in-redis': 'Postgres has given its units back, Redis holds them',
} as const;

function named(kind: keyof typeof WORDS, books: LaneBooks, { ids, count }: NamedOrders): Difference[] {
  const differences = ids.map((orderId): Difference => ({ ...different(kind, books, WORDS[kind]), orderId }));
  const rest = count - ids.length;
  return rest > 0 ? [...differences, different(kind, books, `and ${rest} more`)] : differences;
}

const different = (kind: DifferenceKind, { onRecord }: LaneBooks, detail: string): Difference => ({
  kind,
  detail: `lane ${onRecord.lane}: ${detail}`,
});
