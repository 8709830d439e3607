import type { ShownSale } from './demo-sale.js';

export interface Welcome {
  baseUrl: string;
  /** Of the API and of the workers: each counts what it does itself. */
  metrics: string;
  workerMetrics: { persistence: string; money: string };
  logs: string;
  /** Missing when tokens are signed by a key we do not have. */
  demo?: { sale: ShownSale; buyer: string; buyerToken: string; adminToken: string };
}

/** What stands on the terminal once everything runs: everything needed to buy, ready to be copied. */
export function welcome({ baseUrl, metrics, workerMetrics, logs, demo }: Welcome): string {
  return [
    '',
    `  Stampede is running at ${baseUrl}`,
    '',
    `    Sales           ${baseUrl}/v1/sales`,
    `    Health          ${baseUrl}/health/ready`,
    `    Metrics         ${metrics}`,
    `      persistence   ${workerMetrics.persistence}`,
    `      money         ${workerMetrics.money}`,
    `    Queues          ${baseUrl}/ops/queues  (any name, the admin's token as password)`,
    `    Logs            ${logs}`,
    ...(demo
      ? demoLines(baseUrl, demo)
      : ['', '  Tokens are signed elsewhere (JWT_PUBLIC_KEY): none are printed, no demo sale is made.']),
    '',
    '  Ctrl-C stops everything. Nothing is lost: the next npm start goes on where this one ended.',
    '',
  ].join('\n');
}

function demoLines(baseUrl: string, { sale, buyer, buyerToken, adminToken }: NonNullable<Welcome['demo']>): string[] {
  const orders = `${baseUrl}/v1/sales/${sale.saleId}/orders`;
  return [
    '',
    `  On sale: ${sale.name}, ${price(sale)}, ${sale.stock.available} left, ${sale.perUserLimit} per buyer`,
    '',
    `    Sale          ${sale.saleId}`,
    '',
    `  Tokens, valid for a day (more of them: npm run token -- --sub alice)`,
    '',
    `    Buyer         ${buyer}`,
    `    ${buyerToken}`,
    '',
    `    Admin`,
    `    ${adminToken}`,
    '',
    '  Buy one:',
    '',
    `    curl -i '${orders}' \\`,
    `      -H 'Authorization: Bearer ${buyerToken}' \\`,
    '      -H "Idempotency-Key: order-$(date +%s)-$$-$RANDOM" \\',
    `      -H 'Content-Type: application/json' \\`,
    `      -d '{"quantity":1}'`,
    '',
    ...afterwards(baseUrl, orders, { sale, buyerToken }),
    '',
    '  Do the books of Redis, PostgreSQL and the gateway agree?',
    '',
    `    curl '${baseUrl}/v1/admin/sales/${sale.saleId}/audit' \\`,
    `      -H 'Authorization: Bearer ${adminToken}'`,
  ];
}

type Bought = Pick<NonNullable<Welcome['demo']>, 'sale' | 'buyerToken'>;

function afterwards(baseUrl: string, orders: string, { sale, buyerToken }: Bought): string[] {
  return [
    '  See what became of it, with the orderId of the answer. It waits for its payment: open its paymentUrl in a browser and',
    `  approve, and it is paid. If nobody pays within ${minutes(sale)}, it expires, and its unit is sold to the next buyer:`,
    '',
    `    curl '${orders}/<orderId>' \\`,
    `      -H 'Authorization: Bearer ${buyerToken}'`,
    '',
    '  Watch it as it happens (append /events), or give it up (append /cancel, with -X POST). A paid order is worth points:',
    '',
    `    curl '${baseUrl}/v1/rewards' \\`,
    `      -H 'Authorization: Bearer ${buyerToken}'`,
  ];
}

function price({ priceMinor, currency }: ShownSale): string {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
  return `${(priceMinor / 10 ** maximumFractionDigits).toFixed(maximumFractionDigits)} ${currency}`;
}

function minutes({ paymentWindowSeconds }: ShownSale): string {
  return paymentWindowSeconds < 120 ? `${paymentWindowSeconds} s` : `${Math.round(paymentWindowSeconds / 60)} min`;
}
