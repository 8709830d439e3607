/** What `npm run load` hands to every script: the system, and the sale that was made for this run. */
export const BASE_URL = given('BASE_URL');
export const SALE_ID = given('SALE_ID');
export const STOCK = wholeNumber('STOCK');
/** Where the figures of the run are left. */
export const RESULT_FILE = given('RESULT_FILE');

/** What signs tokens, as the API reads it; issuer and audience only where it checks them. */
export const JWT = { secret: given('JWT_SECRET'), issuer: __ENV.JWT_ISSUER, audience: __ENV.JWT_AUDIENCE };

/** A setting from the environment: a whole number, at least 1. Throws for anything else, before the run begins. */
export function wholeNumber(name: string, otherwise?: number): number {
  const text = __ENV[name] || otherwise?.toString() || given(name);
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} must be a whole number from 1 to 999999999`);
  return Number(text);
}

/** A setting that `npm run load` has found or refused already. */
export function given(name: string): string {
  const value = __ENV[name];
  if (!value) throw new Error(`${name} is missing: start this script with \`npm run load\``);
  return value;
}
