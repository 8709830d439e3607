import { StartError } from '../platform/embedded/start-error.js';

/** The fields of a sale (docs: GET /v1/sales) that the welcome shows. */
export interface ShownSale {
  saleId: string;
  name: string;
  priceMinor: number;
  currency: string;
  status: string;
  perUserLimit: number;
  paymentWindowSeconds: number;
  stock: { available: number };
}

const OPEN_FOR_DAYS = 30;
/** Enough to find the link and pay, and not too long to watch an order expire. */
const PAYMENT_WINDOW_SECONDS = 180;
const REQUEST_WITHIN_MS = 10_000;

/** A sale somebody can buy from: one that is open already, else a new one made with the admin token. */
export async function openSale(baseUrl: string, adminToken: string): Promise<ShownSale> {
  const { sales } = (await request(`${baseUrl}/v1/sales`)) as { sales: ShownSale[] };
  // `unavailable` is an open sale whose lane has not been armed yet: another one beside it would be too much.
  const open = sales.find(({ status }) => status === 'open') ?? sales.find(({ status }) => status === 'unavailable');
  return open ?? ((await request(`${baseUrl}/v1/admin/sales`, adminToken, foundersMug(new Date()))) as ShownSale);
}

/** Whether it can be bought from: false as long as the guard has not opened its lane, or nobody answers. */
export async function isServed(baseUrl: string, { saleId }: ShownSale): Promise<boolean> {
  try {
    return ((await request(`${baseUrl}/v1/sales/${saleId}`)) as ShownSale).status !== 'unavailable';
  } catch {
    return false;
  }
}

function foundersMug(now: Date): object {
  return {
    name: "Founders' Mug",
    sku: 'MUG-1',
    priceMinor: 1999,
    currency: 'USD',
    stock: 100,
    perUserLimit: 2,
    maxPerOrder: 2,
    startsAt: now.toISOString(),
    endsAt: new Date(now.getTime() + OPEN_FOR_DAYS * 24 * 60 * 60 * 1000).toISOString(),
    paymentWindowSeconds: PAYMENT_WINDOW_SECONDS,
  };
}

/** GET, or POST when there is a body. Throws a StartError unless the answer is a success. */
async function request(url: string, token?: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(REQUEST_WITHIN_MS),
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    throw new StartError(
      `The demo sale could not be made: ${url} answered ${response.status} ${await response.text()}`,
    );
  }
  return response.json();
}
