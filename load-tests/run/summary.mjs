import { countOf, kindsOf, unitsBooked } from './verdict.mjs';

/** The run in a few lines, for people. */
export function summarise({ figures, stock, audit, waitedMs }) {
  return [
    ...(figures ? linesOfBuyers(figures, stock) : []),
    ...(audit ? [line('books', describeBooks(audit, waitedMs))] : []),
  ];
}

function linesOfBuyers(figures, stock) {
  const stayedAway = countOf(figures, 'dropped_iterations');
  return [
    line('accepted', describeAccepted(figures, stock)),
    line('refused', describeKinds(kindsOf(figures, 'refused_'))),
    line('sent again', describeKinds(kindsOf(figures, 'resent_'))),
    ...(countOf(figures, 'buyers_came') > 0 ? [line('buyers', describeBuyers(figures))] : []),
    ...(stayedAway > 0 ? [line('stayed away', `${stayedAway} buyers, for whom k6 had no VU left`)] : []),
    line('answers', describeTimes(figures.metrics.answer_ms?.values)),
  ];
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
  const cameBack = countOf(figures, 'replays_checked');
  return `${decided} answered in ${seconds.toFixed(0)} s, ${(decided / seconds).toFixed(1)}/s; ${cameBack} came back with their key`;
}

function describeKinds(kinds) {
  return kinds.length === 0 ? '0' : kinds.map(([kind, count]) => `${count} ${kind}`).join(', ');
}

function describeTimes(times) {
  if (!times) return 'none';
  const ms = (stat) => `${times[stat].toFixed(times[stat] < 10 ? 1 : 0)} ms`;
  return `p50 ${ms('med')}, p95 ${ms('p(95)')}, p99 ${ms('p(99)')}, slowest ${ms('max')}`;
}

function describeBooks(audit, waitedMs) {
  const state = `${audit.consistent ? 'consistent' : 'NOT consistent'}, ${audit.quiescent ? 'quiescent' : 'NOT quiescent'}`;
  const { total, available, held } = audit.redis;
  return `${state} after ${(waitedMs / 1000).toFixed(1)} s; Redis ${held} held + ${available} available of ${total}, Postgres ${unitsBooked(audit)} stored`;
}

const line = (label, text) => `  ${label.padEnd(12)} ${text}`;
