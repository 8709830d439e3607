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

/**
 * What stands on the terminal once everything runs: two pages to open, and a command that buys. The tokens stand in the
 * fragments of the addresses, which browsers keep to themselves.
 */
export function welcome({ baseUrl, metrics, workerMetrics, logs, demo }: Welcome): string {
  return [
    '',
    `  Stampede is running at ${baseUrl}`,
    '',
    ...(demo ? demoLines(baseUrl, demo) : withoutTokens(baseUrl)),
    '',
    `    Metrics         ${metrics}`,
    `      persistence   ${workerMetrics.persistence}`,
    `      money         ${workerMetrics.money}`,
    `    Logs            ${logs}`,
    '',
    '  Ctrl-C stops everything. Nothing is lost: the next npm start goes on where this one ended.',
    '',
  ].join('\n');
}

function demoLines(baseUrl: string, { sale, buyer, buyerToken, adminToken }: NonNullable<Welcome['demo']>): string[] {
  return [
    `  Shop, as ${buyer}:`,
    '',
    `    ${baseUrl}/#token=${buyerToken}`,
    '',
    '  Operations, as admin:',
    '',
    `    ${baseUrl}/ops#token=${adminToken}`,
    '',
    `  On sale: ${sale.name}, ${price(sale)}, ${sale.stock.available} left, ${sale.perUserLimit} per buyer, ${minutes(sale)} to pay. Buy one from here:`,
    '',
    `    curl -i '${baseUrl}/v1/sales/${sale.saleId}/orders' \\`,
    `      -H 'Authorization: Bearer ${buyerToken}' \\`,
    '      -H "Idempotency-Key: order-$(date +%s)-$$-$RANDOM" \\',
    `      -H 'Content-Type: application/json' -d '{"quantity":1}'`,
    '',
    `    Sale            ${sale.saleId}`,
    '    Tokens          are what stands behind token=, valid for a day; more: npm run token -- --sub alice',
  ];
}

const withoutTokens = (baseUrl: string): string[] => [
  '  Tokens are signed elsewhere (JWT_PUBLIC_KEY): none are printed, no demo sale is made.',
  '',
  `    Shop            ${baseUrl}/`,
  `    Operations      ${baseUrl}/ops`,
];

function price({ priceMinor, currency }: ShownSale): string {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
  return `${(priceMinor / 10 ** maximumFractionDigits).toFixed(maximumFractionDigits)} ${currency}`;
}

function minutes({ paymentWindowSeconds }: ShownSale): string {
  return paymentWindowSeconds < 120 ? `${paymentWindowSeconds} s` : `${Math.round(paymentWindowSeconds / 60)} min`;
}
