import { createHash } from 'node:crypto';
import type { Payment } from './books.js';
import { PAY_STYLE } from './pay-style.js';

const styleHash = createHash('sha256').update(PAY_STYLE).digest('base64');

/** No scripts, nothing from elsewhere, no frame around it; the one style is known by its hash. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What a payment looks like to the person who is to pay it. */
export function renderPayment(payment: Payment, now: Date): string {
  const { title, status, buttons } = stateOf(payment, now);
  return renderPage(
    title,
    `<h1>Payment</h1>
<p class="amount">${escape(formatAmount(payment.amountMinor, payment.currency))}</p>
${status}
<dl>
<div><dt>For</dt><dd>${escape(payment.description)}</dd></div>
<div><dt>Pay before</dt><dd>${formatTime(payment.payBefore)}</dd></div>
</dl>
<div class="actions">
${buttons}
<a class="back${buttons && ' quiet'}" href="${escape(payment.returnUrl)}">Back to the shop</a>
</div>`,
  );
}

export function renderUnknown(): string {
  return renderPage('There is no such payment', '<h1>There is no such payment</h1><p>The link may be cut short.</p>');
}

function stateOf(payment: Payment, now: Date): { title: string; status: string; buttons: string } {
  const { capturedAtMs, declinedAtMs, refund } = payment;
  if (refund) {
    const text = refund.isDone ? 'The money was given back.' : 'The money is on its way back.';
    return { title: 'Refunded', status: renderStatus('note', 'Refunded', text), buttons: '' };
  }
  if (capturedAtMs !== null) {
    return { title: 'Paid', status: renderStatus('good', 'Paid', 'Thank you. The shop is being told.'), buttons: '' };
  }
  const isOver = now.getTime() > Date.parse(payment.payBefore);
  const over = isOver
    ? renderStatus('note', 'The time to pay is over', 'If you pay now, the shop may give the money back.')
    : '';
  const buttons = renderButtons(payment);
  if (declinedAtMs === null) return { title: 'Payment', status: over, buttons };
  const declined = renderStatus('bad', 'Declined: try again', 'Nothing was charged.');
  return { title: 'Payment declined', status: declined + over, buttons };
}

const renderStatus = (kind: 'good' | 'bad' | 'note', title: string, text: string): string =>
  `<p class="status ${kind}" role="status"><strong>${title}</strong> ${text}</p>`;

/** Relative, so that the page works behind any public address. */
const renderButtons = ({ paymentId, amountMinor, currency }: Payment): string =>
  `<form method="post" action="${escape(paymentId)}/approve"><button class="primary">Pay ${escape(formatAmount(amountMinor, currency))}</button></form>
<form method="post" action="${escape(paymentId)}/decline"><button>Let the card be declined</button></form>`;

function renderPage(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Stampede test payments</title>
<style>${PAY_STYLE}</style>
</head>
<body>
<main>
${main}
</main>
<footer>A simulated gateway: no money moves.</footer>
</body>
</html>
`;
}

/** In major units, exactly: the digits are moved as text, so no amount is rounded. */
function formatAmount(amountMinor: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  const digits = String(amountMinor).padStart(decimals + 1, '0');
  const split = digits.length - decimals;
  return format.format(`${digits.slice(0, split)}.${digits.slice(split)}0` as `${number}`);
}

function formatTime(time: string): string {
  const text = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `<time datetime="${escape(time)}">${escape(text.format(new Date(time)))} UTC</time>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
