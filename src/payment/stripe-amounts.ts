/** Of these Stripe wants hundredths, though ISO 4217 gives them none. https://docs.stripe.com/currencies#special-cases */
const IN_HUNDREDTHS = new Set(['ISK', 'UGX']);

/** ISO 4217 gives it hundredths, and Stripe takes none: our amount would be a hundredfold. https://docs.stripe.com/currencies#zero-decimal */
const WHOLE_ONLY = new Set(['MGA']);

/** Stripe takes amounts of these only when they end in a nought. https://docs.stripe.com/currencies#three-decimal */
const THREE_DECIMALS = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/** @returns undefined when Stripe could not take exactly this amount. */
export function toStripeAmount(amountMinor: number, currency: string): number | undefined {
  if (THREE_DECIMALS.has(currency) && amountMinor % 10 !== 0) return undefined;
  if (IN_HUNDREDTHS.has(currency)) return integer(amountMinor * 100);
  return integer(WHOLE_ONLY.has(currency) ? amountMinor / 100 : amountMinor);
}

/** @returns undefined for an amount that is none of ours. */
export function fromStripeAmount(amount: number, currency: string): number | undefined {
  if (IN_HUNDREDTHS.has(currency)) return integer(amount / 100);
  return integer(WHOLE_ONLY.has(currency) ? amount * 100 : amount);
}

const integer = (amount: number): number | undefined => (Number.isSafeInteger(amount) ? amount : undefined);
