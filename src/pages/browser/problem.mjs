/** @import { Problem } from './types.mjs' */
import { h } from './dom.mjs';

/** @type {Problem} */
export const NOBODY_ANSWERS = {
  slug: '',
  status: 0,
  title: 'Nobody answers',
  detail: 'The connection failed, or the answer took longer than ten seconds.',
  errors: [],
  requestId: '',
  retryAfterMs: null,
  isTemporary: true,
  isUnknown: true,
};

/** Of the answers that say "try again", these say as well that nothing was done. */
const SURELY_NOT_DONE = ['overloaded', 'draining', 'store-unavailable'];

/** What a person can do about it, where the answer itself does not say. */
const WHAT_TO_DO = {
  'invalid-token': 'Get a new token, and give it to this page.',
  unauthenticated: 'Give a token to this page.',
  forbidden: 'Use a token that has the role for this.',
  'sold-out': 'Keep this page open: it shows units that come back. Fewer units may still be had.',
  'user-limit': 'Cancel an order that is not paid, or be content with those you have.',
  'sale-ended': 'Look at the other sales.',
  'sale-paused': 'Keep this page open: it shows when the sale goes on.',
  'sale-not-started': 'Keep this page open: it counts down, and you can buy when it reaches zero.',
  'pass-invalid': 'Ask for a new purchase pass.',
  'rate-limited': 'Wait a moment.',
  'too-many-streams': 'Close other windows of this shop.',
  'order-final': 'Nothing is to be done: look at what became of the order.',
  'stock-in-use': 'Take fewer units away, or wait until some come back.',
  'already-resolved': 'Nothing is to be done: the list is being read again.',
  internal: 'Tell whoever runs the shop, with the request number below.',
};

/**
 * @param {Response} response one that is no success
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const { status, headers } = response;
  const body = await response.json().catch(() => ({})); // a proxy in between sends what it likes
  const slug = /^\/problems\/([a-z-]+)$/.exec(String(body.type))?.[1] ?? '';
  const isUnknown = slug === 'outcome-unknown' || (status >= 500 && !SURELY_NOT_DONE.includes(slug));
  return {
    slug,
    status,
    title: String(body.title ?? `The answer was ${status}`),
    detail: String(body.detail ?? 'Nothing more is known.'),
    errors: Array.isArray(body.errors) ? body.errors : [],
    requestId: String(body.instance ?? ''),
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
    isTemporary: status === 408 || status === 429 || status >= 500,
    isUnknown,
  };
}

/**
 * RFC 9110 §10.2.3: seconds, or a date.
 *
 * @param {string | null} value
 */
function retryAfterMs(value) {
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/**
 * A problem in words, with what to do about it, and a link to its documentation.
 *
 * @param {Problem} problem
 * @param {string} [more] one more sentence
 */
export function problemBox({ slug, title, detail, errors, requestId }, more = '') {
  const advice = slug in WHAT_TO_DO ? WHAT_TO_DO[/** @type {keyof typeof WHAT_TO_DO} */ (slug)] : '';
  return h(
    'div',
    { class: 'note bad' },
    h('strong', {}, title),
    h('p', {}, [detail, advice, more].filter(Boolean).join(' ')),
    errors.length > 0 &&
      h('ul', {}, ...errors.map((error) => h('li', {}, `${error.pointer.slice(1) || 'The body'} ${error.detail}`))),
    slug !== '' &&
      h(
        'p',
        { class: 'fine' },
        h('a', { href: `/problems/${slug}` }, 'What this means'),
        requestId !== '' && [' · request ', h('code', {}, requestId)],
      ),
  );
}
