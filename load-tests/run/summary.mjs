import { findLimit } from './limit.mjs';
import { countOf, kindsOf, unitsBooked } from './verdict.mjs';

/** The run in a few lines, for people. */
export function summarise({ figures, stock, audit, waitedMs, promises }) {
  return [
    ...(figures ? linesOfBuyers(figures, stock) : []),
    ...(figures && promises.findsLimit ? [line('limit', describeLimit(findLimit(figures)))] : []),
    ...(audit ? [line('books', describeBooks(audit, waitedMs))] : []),
  ];
}

function linesOfBuyers(figures, stock) {
  return [
    line('accepted', describeAccepted(figures, stock)),
    line('refused', describeKinds(kindsOf(figures, 'refused_'))),
    line('sent again', describeKinds(kindsOf(figures, 'resent_'))),
    lineOf('buyers', countOf(figures, 'buyers_came'), () => describeBuyers(figures)),
    lineOf(
      'stayed away',
      countOf(figures, 'dropped_iterations'),
      (count) => `${count} buyers, for whom k6 had no VU left`,
    ),
    lineOf('requests', countOf(figures, 'requests_sent'), () => describeRequests(figures)),
    line('answers', describeTimes(figures.metrics.answer_ms?.values)),
    ...linesByTag(figures, 'answer_ms', describeTimes),
    ...linesByTag(
      figures,
      'cpu_us_per_answer',
      ({ value }) => `${value.toFixed(0)} us of CPU for each answer of the API`,
    ),
    ...linesOfMoney(figures),
    ...linesByTag(figures, 'resident_mib', (values, name) => describeMemory(figures, values, name)),
    ...(figures.metrics.backlog_age_seconds ? [line('backlog', describeBacklog(figures))] : []),
  ].filter(Boolean);
}

function linesOfMoney(figures) {
  if (countOf(figures, 'units_paid') === 0) return [];
  const units = kindsOf(figures, 'units_').filter(([what]) => ['paid', 'expired', 'cancelled'].includes(what));
  const refunded = countOf(figures, 'orders_refunded');
  return [
    line('seen', describeKinds([...units, ...(refunded > 0 ? [['refunded', refunded]] : [])])),
    line('paid after', describeTimes(figures.metrics.paid_ms?.values)),
    ...linesByTag(figures, 'paid_ms', describeTimes),
  ];
}

/** One line for each k6 scenario or process that has figures of its own. */
function linesByTag({ metrics }, metric, describe) {
  const inOrder = Object.entries(metrics).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return inOrder.flatMap(([name, { values }]) => {
    const [, of, tag] = /^(\w+)\{\w+:(\w+)\}$/.exec(name) ?? [];
    return of === metric && (values.max ?? values.value) > 0 ? [line(`  ${tag}`, describe(values, tag))] : [];
  });
}

function describeAccepted(figures, stock) {
  const unheard = countOf(figures, 'accepted_unheard');
  return [
    `${countOf(figures, 'orders_accepted')} orders, ${countOf(figures, 'units_accepted')} of ${stock} units`,
    ...(unheard > 0 ? [`${unheard} heard of only when sent again`] : []),
  ].join('; ');
}

function describeBuyers(figures) {
  const seconds = figures.state.testRunDurationMs / 1000;
  const decided = countOf(figures, 'buyers_decided');
  const cutOff = countOf(figures, 'buyers_came') - decided;
  const cameBack = countOf(figures, 'replays_checked');
  return [
    `${decided} answered in ${seconds.toFixed(0)} s, ${(decided / seconds).toFixed(1)}/s`,
    ...(cutOff > 0 ? [`${cutOff} cut off`] : []),
    ...(cameBack > 0 ? [`${cameBack} came back with their key`] : []),
  ].join('; ');
}

function describeKinds(kinds) {
  return kinds.length === 0 ? '0' : kinds.map(([kind, count]) => `${count} ${kind}`).join(', ');
}

function describeTimes(times) {
  if (!times) return 'none';
  const ms = (stat) => `${times[stat].toFixed(times[stat] < 10 ? 1 : 0)} ms`;
  return `p50 ${ms('med')}, p95 ${ms('p(95)')}, p99 ${ms('p(99)')}, slowest ${ms('max')}`;
}

function describeRequests(figures) {
  const [sent, orders] = [countOf(figures, 'requests_sent'), countOf(figures, 'orders_accepted')];
  const each = (sent / orders).toFixed(1);
  return `${sent} sent, ${countOf(figures, 'requests_abandoned')} of them abandoned; ${each} for each order`;
}

function describeMemory({ metrics }, { med, max }, name) {
  const growth = metrics[`memory_growth_mib{process:${name}}`]?.values.value ?? 0;
  return `resident ${med.toFixed(0)} MiB, at most ${max.toFixed(0)}; ${growth.toFixed(1)} more after the warm-up`;
}

function describeBacklog({ metrics }) {
  return `the oldest order that was not stored: ${metrics.backlog_age_seconds.values.max.toFixed(2)} s at most`;
}

function describeLimit({ perSecond = 0, brokenAt, because }) {
  const well = `all was well at ${perSecond} buyers per second`;
  return brokenAt
    ? `${well}, and not at ${brokenAt}: ${because.join('; ')}`
    : `${well}, the last step: raise TO_PER_SECOND`;
}

function describeBooks(audit, waitedMs) {
  const state = `${audit.consistent ? 'consistent' : 'NOT consistent'}, ${audit.quiescent ? 'quiescent' : 'NOT quiescent'}`;
  const { total, available, held } = audit.redis;
  const { paid, givenBack } = audit.postgres;
  return [
    `${state} after ${(waitedMs / 1000).toFixed(1)} s`,
    `Redis ${held} held + ${available} available of ${total}, Postgres ${unitsBooked(audit)} stored`,
    ...(paid + givenBack > 0 ? [`${paid} paid, ${givenBack} given back`] : []),
  ].join('; ');
}

const lineOf = (label, count, describe) => (count > 0 ? line(label, describe(count)) : undefined);

const line = (label, text) => `  ${label.padEnd(12)} ${text}`;
