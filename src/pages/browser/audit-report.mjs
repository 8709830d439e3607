/** @import { Audit, AuditedLane } from './types.mjs' */
import { h } from './dom.mjs';
import { moment, number, some } from './format.mjs';
import { DIFFERENCES } from './meanings.mjs';

/**
 * The books of a sale as its operator reads them: whether they agree, and if not, what each difference means.
 *
 * @param {Audit} audit
 */
export function auditReport({
  consistent,
  quiescent,
  checkedAt,
  redis,
  postgres,
  lanes,
  deadLettersOpen,
  differences,
}) {
  const verdict = consistent ? 'The books agree' : `The books differ: ${some(differences.length, 'difference')}`;
  const still = quiescent
    ? 'Nothing was in flight: every figure is exact.'
    : 'Orders are in flight: some figures could not be compared.';
  return h(
    'div',
    { class: 'audit' },
    h(
      'div',
      { class: `note ${consistent ? 'good' : 'bad'}` },
      h('strong', {}, verdict),
      h('p', {}, `${still} Checked ${moment(checkedAt)}. Open dead letters: ${number(deadLettersOpen)}.`),
    ),
    ...differences.map(showDifference),
    h(
      'div',
      { class: 'sides' },
      side('Redis', { total: redis.total, available: redis.available, held: redis.held }),
      side('PostgreSQL', {
        total: postgres.total,
        'to be paid': postgres.pendingPayment,
        paid: postgres.paid,
        'to give back': postgres.toGiveBack,
        'given back': postgres.givenBack,
      }),
      ...lanes.map(showLane),
    ),
  );
}

/** @param {Audit['differences'][number]} difference */
function showDifference({ kind, orderId, detail }) {
  const meaning =
    kind in DIFFERENCES ? DIFFERENCES[/** @type {keyof typeof DIFFERENCES} */ (kind)] : 'Not known to this page.';
  return h(
    'div',
    { class: 'difference' },
    h('p', {}, h('code', {}, kind), ` ${detail}`),
    orderId !== undefined && h('p', { class: 'fine' }, 'order ', h('code', {}, orderId)),
    h('details', {}, h('summary', {}, 'What it means, and what mends it'), h('p', {}, meaning)),
  );
}

/** @param {AuditedLane} lane */
function showLane({ lane, state, epoch, recorded, unread, pending, lastRebuild }) {
  return h(
    'div',
    {},
    side(`Lane ${lane}`, { state, epoch, recorded, unread, pending }),
    lastRebuild !== null &&
      h(
        'p',
        { class: 'fine' },
        `Last rebuilt because ${lastRebuild.because}: ${number(lastRebuild.orders)} orders, ${number(lastRebuild.lost)} lost`,
        lastRebuild.openedAt === null ? ', not open yet.' : `, open since ${moment(lastRebuild.openedAt)}.`,
      ),
  );
}

/**
 * @param {string} title
 * @param {Record<string, number | string>} figures
 */
function side(title, figures) {
  const rows = Object.entries(figures).map(([name, value]) =>
    h('div', {}, h('dt', {}, name), h('dd', {}, typeof value === 'number' ? number(value) : value)),
  );
  return h('div', {}, h('h4', {}, title), h('dl', {}, ...rows));
}
