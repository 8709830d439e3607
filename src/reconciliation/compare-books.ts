import type { Backlog } from '../order-stream/order-stream.js';
import type { LaneInRedis } from '../stock/lane-gate.js';
import type { LaneVerdict } from '../stock/lane-verdict.js';
import type { SaleCounters } from '../stock/stock.js';
import type { LaneOnRecord } from './sale-on-record.js';

/** One sale in one lane, as both sides have it. */
export interface LaneBooks {
  onRecord: LaneOnRecord;
  redis: LaneInRedis;
  verdict: LaneVerdict;
  /** Undefined when the sale is not in Redis. */
  counters: SaleCounters | undefined;
  /** Units that the buyers hold, by Redis. */
  held: number;
  /** Orders in Redis whose units were not given back. */
  unreleased: number;
  /** Orders in Redis that Postgres has not, or with another quantity. */
  notStored: string[];
  backlog: Backlog;
  /** Nothing was decided or recorded while this was read. */
  isStill: boolean;
  /** And nothing is in flight. */
  isQuiescent: boolean;
}

export type DifferenceKind =
  | 'lane-closed'
  | 'sale-not-in-redis'
  | 'totals-differ'
  | 'redis-not-conserved'
  | 'postgres-not-conserved'
  | 'held-differs'
  | 'order-not-stored'
  | 'orders-not-in-redis';

export interface Difference {
  kind: DifferenceKind;
  orderId?: string;
  detail: string;
}

/** Orders named one by one; the rest is a number. */
const NAMED_MAX = 100;

/** All that is wrong with a sale in one lane. Pure. */
export function compareBooks(books: LaneBooks): Difference[] {
  const { onRecord, verdict, counters } = books;
  if ('because' in verdict) return [{ kind: 'lane-closed', detail: `lane ${onRecord.lane}: ${verdict.because}` }];
  if (!counters) return onRecord.isLoaded ? [different('sale-not-in-redis', books, 'Redis has lost the sale')] : [];
  return [
    ...conserved(books, counters),
    ...(books.isStill ? conservedInRedis(books, counters) : []),
    ...(books.isQuiescent ? agreeing(books) : []),
  ];
}

function conserved(books: LaneBooks, { total }: SaleCounters): Difference[] {
  const { onRecord } = books;
  const differences: Difference[] = [];
  if (onRecord.pendingPayment + onRecord.paid !== onRecord.held) {
    const orders = `${onRecord.pendingPayment} pending + ${onRecord.paid} paid`;
    differences.push(
      different('postgres-not-conserved', books, `orders hold ${orders}, sale_lanes.held is ${onRecord.held}`),
    );
  }
  if (total !== onRecord.total) {
    differences.push(different('totals-differ', books, `Redis has ${total}, Postgres ${onRecord.total}`));
  }
  return differences;
}

function conservedInRedis(books: LaneBooks, { total, available }: SaleCounters): Difference[] {
  if (total === available + books.held && available >= 0) return [];
  return [different('redis-not-conserved', books, `total ${total} is not ${available} available + ${books.held} held`)];
}

function agreeing(books: LaneBooks): Difference[] {
  const { onRecord, held, unreleased, notStored } = books;
  const differences = notStored.slice(0, NAMED_MAX).map((orderId): Difference => ({
    ...different('order-not-stored', books, 'Redis holds it, Postgres has no such order'),
    orderId,
  }));
  if (notStored.length > NAMED_MAX) {
    differences.push(different('order-not-stored', books, `and ${notStored.length - NAMED_MAX} more`));
  }
  const unknown = onRecord.unreleasedOrders - (unreleased - notStored.length);
  if (unknown !== 0) differences.push(different('orders-not-in-redis', books, `${unknown} orders of Postgres`));
  const heldOnRecord = onRecord.pendingPayment + onRecord.paid + onRecord.toGiveBack;
  if (held !== heldOnRecord) {
    differences.push(different('held-differs', books, `Redis holds ${held}, Postgres ${heldOnRecord}`));
  }
  return differences;
}

const different = (kind: DifferenceKind, { onRecord }: LaneBooks, detail: string): Difference => ({
  kind,
  detail: `lane ${onRecord.lane}: ${detail}`,
});
