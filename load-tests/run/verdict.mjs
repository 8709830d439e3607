import { findLimit, isOfStep } from './limit.mjs';

/**
 * What a run proves: the figures that k6 left (those of the buyers), held against the books of the system. Pure.
 *
 * `figures` is what k6 hands to handleSummary, `audit` the answer of GET /v1/admin/sales/{id}/audit,
 * `k6Status` the exit status of k6, or the signal that ended it, `promises` what scenarios.mjs says of the script.
 */

/** A version is epoch x 10^12 plus the number of the decision in its epoch. */
const VERSIONS_PER_EPOCH = 1e12;

/** The exit status of k6 when a threshold is broken; which one stands in the figures. */
const K6_THRESHOLDS_BROKEN = 99;

/** The sum of a counter, or how often a rate was true; 0 when nothing was counted. */
export function countOf(figures, metric) {
  const { count, passes } = figures.metrics[metric]?.values ?? {};
  return count ?? passes ?? 0;
}

/** All counters whose name begins so, as [kind, count], without those that are 0. */
export function kindsOf(figures, prefix) {
  return Object.keys(figures.metrics)
    .filter((metric) => metric.startsWith(prefix) && !metric.includes('{'))
    .map((metric) => [metric.slice(prefix.length).replaceAll('_', '-'), countOf(figures, metric)])
    .filter(([, count]) => count > 0);
}

/** Everything that is wrong, one sentence each; none when the run is a success. */
export function findFaults({ k6Status, figures, stock, audit, auditProblem, promises = {} }) {
  const faults = [
    ...(figures ? wrongFigures(figures, stock, promises) : []),
    ...(audit ? wrongBooks(audit, stock) : [`the books could not be read: ${auditProblem}`]),
    ...(figures && audit ? unlikeTheBooks(figures, audit, promises) : []),
  ];
  const isExplained = k6Status === K6_THRESHOLDS_BROKEN && (faults.length > 0 || (figures && promises.findsLimit));
  if (!figures) faults.unshift('k6 left no figures');
  if (k6Status !== 0 && !isExplained) faults.unshift(`k6 ended with status ${k6Status}`);
  return faults;
}

function wrongFigures(figures, stock, { findsLimit, atMost }) {
  return [
    ...brokenThresholds(figures).flatMap(([metric, fault]) => (findsLimit && isOfStep(metric) ? [] : [fault])),
    ...failedChecks(figures),
    ...(findsLimit ? withoutLimit(figures) : unfairToBuyers(figures, stock)),
    ...(atMost ? tooLarge(figures, atMost) : []),
  ];
}

function brokenThresholds({ metrics }) {
  return Object.entries(metrics).flatMap(([metric, { values, thresholds = {} }]) =>
    Object.entries(thresholds)
      .filter(([, { ok }]) => !ok)
      .map(([rule]) => [metric, `threshold ${metric} ${rule} is broken: ${JSON.stringify(values)}`]),
  );
}

function withoutLimit(figures) {
  const { perSecond, because } = findLimit(figures);
  return perSecond ? [] : [`not even the first step was well: ${because.join('; ') || 'nobody came'}`];
}

/** Two figures of one run: the speed of the machine falls out. Of times the median counts. */
function tooLarge({ metrics }, { figure, other, times }) {
  const valueOf = (metric) => metrics[metric]?.values.med ?? metrics[metric]?.values.value ?? NaN;
  if (valueOf(figure) <= times * valueOf(other)) return [];
  return [`${figure} is ${valueOf(figure)}, more than ${times} times ${other}, which is ${valueOf(other)}`];
}

function failedChecks({ root_group: { checks } }) {
  return checks.filter(({ fails }) => fails > 0).map(({ name }) => `check failed: ${name}`);
}

/** Only for scripts that say what their buyers wanted; their orders are of one unit. */
function unfairToBuyers(figures, stock) {
  const came = countOf(figures, 'buyers_came');
  const decided = countOf(figures, 'buyers_decided');
  const wanted = countOf(figures, 'units_wanted');
  const accepted = countOf(figures, 'units_accepted');
  const due = Math.min(stock, wanted);
  return [
    ...(came === decided ? [] : [`${came - decided} of ${came} buyers never got a definite answer`]),
    ...(wanted === 0 || accepted === due
      ? []
      : [`${accepted} units were accepted, not ${due} (stock ${stock}, wanted ${wanted})`]),
  ];
}

function wrongBooks(audit, stock) {
  const { consistent, differences, deadLettersOpen, redis, postgres } = audit;
  const faults = differences.map(
    ({ kind, orderId, detail }) => `audit: ${kind}: ${[orderId, detail].filter(Boolean).join(': ')}`,
  );
  if (!consistent && differences.length === 0) faults.push('audit: not consistent');
  if (!audit.quiescent) faults.push(`audit: something is still in flight: ${audit.lanes.map(describeLane).join('; ')}`);
  if (deadLettersOpen > 0) faults.push(`audit: ${deadLettersOpen} orders are dead letters`);
  const sold = Math.max(redis.held, postgres.pendingPayment + postgres.paid);
  const isOversold = sold > stock || redis.available < 0;
  if (isOversold) faults.push(`oversold: ${sold} units of ${stock}, ${redis.available} available`);
  return faults;
}

/** A lane carries other sales too: what is in flight there may be theirs. */
function describeLane({ lane, epoch, version, recorded, unread, pending }) {
  const decided = version - epoch * VERSIONS_PER_EPOCH;
  return `lane ${lane} is at ${recorded} of ${decided} decisions, ${unread} unread, ${pending} pending`;
}

/** A buyer who was cut off, as those are who wait when a run that finds the limit ends, may have an order unheard. */
function unlikeTheBooks(figures, audit, { findsLimit, endsFinished }) {
  const accepted = countOf(figures, 'units_accepted');
  const cutOff = findsLimit ? countOf(figures, 'buyers_came') - countOf(figures, 'buyers_decided') : 0;
  const booked = unitsBooked(audit);
  const isAlike = accepted <= booked && booked <= accepted + cutOff;
  const besides = cutOff > 0 ? `, and ${cutOff} buyers were cut off` : '';
  return [
    ...(isAlike ? [] : [`buyers were promised ${accepted} units, the books hold ${booked}${besides}`]),
    ...(endsFinished ? unlikeTheEnd(figures, audit) : []),
  ];
}

/** Each order is finished: what buyers saw paid is paid, and the units of all others are back. */
function unlikeTheEnd(figures, { postgres: { pendingPayment, paid, toGiveBack, givenBack } }) {
  const seenPaid = countOf(figures, 'units_paid');
  const givenUp = countOf(figures, 'units_cancelled') + countOf(figures, 'units_expired');
  return [
    ...(pendingPayment === 0 ? [] : [`${pendingPayment} units still wait for their payment`]),
    ...(toGiveBack === 0 ? [] : [`${toGiveBack} units of finished orders are not back on sale`]),
    ...(paid === seenPaid ? [] : [`buyers saw ${seenPaid} units paid, the books hold ${paid}`]),
    ...(givenBack >= givenUp ? [] : [`buyers saw ${givenUp} units given up, the books have ${givenBack} given back`]),
  ];
}

/** Units of all orders that were ever stored. */
export function unitsBooked({ postgres: { pendingPayment, paid, toGiveBack, givenBack } }) {
  return pendingPayment + paid + toGiveBack + givenBack;
}
