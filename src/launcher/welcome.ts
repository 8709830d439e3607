import type { ShownSale } from './demo-sale.js';

export interface Welcome {
  baseUrl: string;
  /** Of the API and of the worker: each counts what it does itself. */
  metrics: string;
  workerMetrics: string;
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
    `    Worker metrics  ${workerMetrics}`,
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
    '  See what became of it, with the orderId of the answer:',
    '',
    `    curl '${orders}/<orderId>' \\`,
    `      -H 'Authorization: Bearer ${buyerToken}'`,
    '',
    '  Do the books of Redis and PostgreSQL agree?',
    '',
    `    curl '${baseUrl}/v1/admin/sales/${sale.saleId}/audit' \\`,
    `      -H 'Authorization: Bearer ${adminToken}'`,
  ];
}

function price({ priceMinor, currency }: ShownSale): string {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
  return `${(priceMinor / 10 ** maximumFractionDigits).toFixed(maximumFractionDigits)} ${currency}`;
}
