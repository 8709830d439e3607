/**
 * The sale that is made for a run of each script, from the environment. What is not said here is the same for all.
 *
 * @type {Record<string, (env: Record<string, string | undefined>) => { stock: number, perUserLimit: number }>}
 */
export const SALES = {
  /** Its story is written for these numbers. */
  smoke: () => ({ stock: 3, perUserLimit: 2 }),
  /** Fewer units than its buyers want, by default. */
  'flash-sale': (env) => ({ stock: wholeNumber('STOCK', env.STOCK, 2000), perUserLimit: 1 }),
};

/** Throws a RangeError that names the variable. */
export function wholeNumber(name, text, otherwise) {
  if (!text) return otherwise;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new RangeError(`${name} must be a whole number from 1 to 999999999`);
}
