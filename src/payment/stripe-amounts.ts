/**
 * Currencies in which Stripe counts otherwise than ISO 4217 does, by what one of Stripe's units is of ours: it wants ISK and
 * UGX in hundredths, though they have none. https://docs.stripe.com/currencies#special-cases
 */
const STRIPE_UNITS_PER_MINOR: Record<string, number> = { ISK: 100, UGX: 100 };

/** Stripe takes amounts of these only when they end in a nought. https://docs.stripe.com/currencies#three-decimal */
const THREE_DECIMALS = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/** @returns undefined when Stripe could not take exactly this amount. */
export function toStripeAmount(amountMinor: number, currency: string): number | undefined {
  if (THREE_DECIMALS.has(currency) && amountMinor % 10 !== 0) return undefined;
  return amountMinor * (STRIPE_UNITS_PER_MINOR[currency] ?? 1);
}

/** @returns undefined for an amount that is none of ours. */
export function fromStripeAmount(amount: number, currency: string): number | undefined {
  const amountMinor = amount / (STRIPE_UNITS_PER_MINOR[currency] ?? 1);
  return Number.isSafeInteger(amountMinor) ? amountMinor : undefined;
}
