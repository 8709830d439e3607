import type { Sale, SaleLane } from '../generated/prisma/client.js';

/** The lanes of a sale as Redis has them; undefined when one of them is closed, or Redis does not answer. */
export interface SaleInRedis {
  total: number;
  available: number;
}

export type SaleStatus = 'scheduled' | 'open' | 'paused' | 'sold_out' | 'ended' | 'sealed' | 'unavailable';

/** A sale as clients see it (contract: Sale). */
export interface SaleView {
  saleId: string;
  name: string;
  sku: string;
  priceMinor: number;
  currency: string;
  status: SaleStatus;
  startsAt: string;
  endsAt: string;
  perUserLimit: number;
  maxPerOrder: number;
  paymentWindowSeconds: number;
  requiresPass: boolean;
  stock: { total: number; available: number };
}

export type SaleWithLanes = Sale & { saleLanes: SaleLane[] };

/** @param now the clock that decides, Redis', as far as it is known. */
export function viewSale(sale: SaleWithLanes, redis: SaleInRedis | undefined, now: Date): SaleView {
  return {
    saleId: sale.saleId,
    name: sale.name,
    sku: sale.sku,
    priceMinor: sale.priceMinor,
    currency: sale.currency,
    status: statusOf(sale, redis, now),
    startsAt: sale.startsAt.toISOString(),
    endsAt: sale.endsAt.toISOString(),
    perUserLimit: sale.perUserLimit,
    maxPerOrder: sale.maxPerOrder,
    paymentWindowSeconds: sale.paymentWindowSeconds,
    requiresPass: sale.requiresPass,
    stock: redis ?? stockOnRecord(sale),
  };
}

function statusOf(sale: Sale, redis: SaleInRedis | undefined, now: Date): SaleStatus {
  if (sale.sealedAt !== null) return 'sealed';
  if (sale.endedAt !== null || sale.endsAt <= now) return 'ended';
  if (redis === undefined) return 'unavailable';
  if (sale.paused) return 'paused';
  if (sale.startsAt > now) return 'scheduled';
  return redis.available === 0 ? 'sold_out' : 'open';
}

/** What Postgres knows, while Redis cannot say: orders that are not stored yet are missing from it. */
function stockOnRecord({ saleLanes }: SaleWithLanes): SaleInRedis {
  const sum = (units: (lane: SaleLane) => number) => saleLanes.reduce((total, lane) => total + units(lane), 0);
  return { total: sum((lane) => lane.total), available: sum((lane) => lane.total - lane.held) };
}
