export interface NewSale {
  stock: number;
  perUserLimit?: number;
  maxPerOrder?: number;
  paymentWindowSeconds?: number;
  startsInMs?: number;
  endsInMs?: number;
}

const HOUR_MS = 3_600_000;

/** The body of `POST /v1/admin/sales`: it has begun an hour ago and goes on for another, unless it is said otherwise. */
export const aSale = ({ startsInMs = -HOUR_MS, endsInMs = HOUR_MS, ...terms }: NewSale) => ({
  name: 'Mug',
  sku: 'MUG-1',
  priceMinor: 1999,
  currency: 'USD',
  perUserLimit: 1,
  startsAt: new Date(Date.now() + startsInMs).toISOString(),
  endsAt: new Date(Date.now() + endsInMs).toISOString(),
  ...terms,
});
