import { z } from 'zod';
import type { Sale, SaleLane } from '../generated/prisma/client.js';
import { count, identifier, instant } from '../platform/http/shapes.js';

const A_SALE = {
  saleId: '0199f3a2-5b1c-7d4e-8f60-718293a4b5c6',
  name: "Founders' Mug",
  sku: 'MUG-1',
  priceMinor: 1999,
  currency: 'USD',
  status: 'open',
  startsAt: '2026-11-27T08:00:00.000Z',
  endsAt: '2026-11-28T08:00:00.000Z',
  perUserLimit: 2,
  maxPerOrder: 2,
  paymentWindowSeconds: 900,
  requiresPass: false,
  stock: { total: 100, available: 37 },
};

const stock = z.object({ total: count, available: count.meta({ description: 'May be up to 1 s old' }) });
/** The lanes of a sale as Redis has them; undefined when one of them is closed, or Redis does not answer. */
export type SaleInRedis = z.infer<typeof stock>;

const statuses = z.enum(['scheduled', 'open', 'paused', 'sold_out', 'ended', 'sealed', 'unavailable']);
export type SaleStatus = z.infer<typeof statuses>;

/** A sale as clients see it. */
export const saleShape = z
  .object({
    saleId: identifier,
    name: z.string(),
    sku: z.string(),
    priceMinor: count,
    currency: z.string(),
    status: statuses,
    startsAt: instant,
    endsAt: instant,
    perUserLimit: z.int().min(1),
    maxPerOrder: z.int().min(1),
    paymentWindowSeconds: z.int().min(1),
    requiresPass: z.boolean(),
    stock,
  })
  .meta({ id: 'Sale', examples: [A_SALE] });
export type SaleView = z.infer<typeof saleShape>;

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
