import { write } from './dom.mjs';

/** The server's clock, as far as it is known: buyers' own clocks are wrong by minutes. */
let offsetMs = 0;
let bestRoundTripMs = Infinity;

/**
 * @param {string} serverTime RFC 3339
 * @param {number} sentMs `Date.now()` when it was asked for
 */
export function learnTime(serverTime, sentMs) {
  const receivedMs = Date.now();
  const roundTripMs = receivedMs - sentMs;
  if (roundTripMs > bestRoundTripMs + 50) return; // a slow answer says less than a fast one did
  bestRoundTripMs = roundTripMs;
  offsetMs = Date.parse(serverTime) - (sentMs + receivedMs) / 2;
}

export const serverNow = () => Date.now() + offsetMs;

/** @type {Map<Element, { untilMs: number, words: (left: string) => string, over: string }>} */
const countdowns = new Map();

/**
 * Lets an element count down to a time of the server, second by second.
 *
 * @param {Element} element
 * @param {string} until RFC 3339
 * @param {{ words: (left: string) => string, over: string }} text
 */
export function countDown(element, until, text) {
  countdowns.set(element, { untilMs: Date.parse(until), ...text });
  tick();
}

/** @param {Element} element */
export function stopCounting(element) {
  countdowns.delete(element);
}

function tick() {
  for (const [element, { untilMs, words, over }] of countdowns) {
    const leftMs = untilMs - serverNow();
    write(element, leftMs > 0 ? words(spell(leftMs)) : over);
  }
}

setInterval(() => {
  for (const element of countdowns.keys()) if (!element.isConnected) countdowns.delete(element);
  tick();
}, 1000);

/**
 * `29 days 23 h`, `2:13:05`, `4:09`.
 *
 * @param {number} ms
 */
function spell(ms) {
  const seconds = Math.ceil(ms / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} ${days === 1 ? 'day' : 'days'} ${hours} h`;
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
