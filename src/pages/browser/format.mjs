/**
 * An amount in the units that people use. The digits are moved as text, so none is rounded.
 *
 * @param {number} amountMinor
 * @param {string} currency ISO 4217
 */
export function money(amountMinor, currency) {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  const digits = String(amountMinor).padStart(decimals + 1, '0');
  const split = digits.length - decimals;
  return format.format(/** @type {any} */ (`${digits.slice(0, split)}.${digits.slice(split)}0`));
}

const NUMBER = new Intl.NumberFormat('en');

/** @param {number} value */
export const number = (value) => NUMBER.format(value);

/**
 * `1 unit`, `2 units`.
 *
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const some = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** The time of day, with the day unless it is today's. @param {string} time RFC 3339 */
export function moment(time) {
  const date = new Date(time);
  return (date.toDateString() === new Date().toDateString() ? CLOCK : DAY).format(date);
}

/**
 * `90 s`, `3 min`, `2 h`, `7 days`.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** Statuses as people read them. @param {string} status */
export const words = (status) => status.replaceAll('_', ' ');
