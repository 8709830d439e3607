/** What the answers that clients got say about the orders in Postgres. Part of `checkHistory` (history.ts). */
import type { Decided, History, Observed } from './history.js';

export const violations = (history: History): string[] => [
  ...lostAcceptances(history),
  ...answersThatDiffer(history),
  ...phantoms(history),
  ...ordersAgainstTime(history),
];

/** A buyer may use any key that another buyer uses. */
const nameOf = ({ buyer, key }: { buyer: string; key: string }) => `${buyer} ${key}`;

const acceptancesOf = ({ observed, namedLosses }: History) => {
  const lost = new Set(namedLosses);
  return observed.filter(({ outcome, orderId }) => outcome === 'ok' && !lost.has(orderId ?? ''));
};

function lostAcceptances(history: History): string[] {
  const rows = new Map(history.decided.map((row) => [row.orderId, row]));
  return acceptancesOf(history).flatMap((answer) => {
    const row = rows.get(answer.orderId ?? '');
    if (!row) {
      return [`G6 order ${answer.orderId ?? '(none)'} of ${answer.buyer} was accepted, and there is no such order`];
    }
    const isSame = nameOf(row) === nameOf(answer) && row.quantity === answer.quantity && row.version === answer.version;
    return isSame ? [] : [`G8 order ${row.orderId} is not what ${answer.buyer} was answered`];
  });
}

function answersThatDiffer(history: History): string[] {
  const first = new Map<string, Observed>();
  return acceptancesOf(history).flatMap((answer) => {
    const before = first.get(nameOf(answer)) ?? answer;
    first.set(nameOf(answer), before);
    const isSame = before.orderId === answer.orderId && before.version === answer.version;
    return isSame
      ? []
      : [`G8 ${nameOf(answer)} was answered two orders, ${before.orderId ?? ''} and ${answer.orderId ?? ''}`];
  });
}

/** Rows that nobody asked for, and rows of which everybody was told that they do not exist. */
function phantoms({ observed, decided }: History): string[] {
  const requests = byName(observed);
  return decided.flatMap((row) => {
    const asked = (requests.get(nameOf(row)) ?? []).filter(({ quantity }) => quantity === row.quantity);
    if (asked.length === 0) return [`G7 nobody asked for order ${row.orderId} of ${nameOf(row)}`];
    const mayBe = asked.some(({ outcome }) => outcome !== 'fail');
    return mayBe ? [] : [`G10 ${nameOf(row)} was refused, and has order ${row.orderId}`];
  });
}

function byName(observed: readonly Observed[]): Map<string, Observed[]> {
  const requests = new Map<string, Observed[]>();
  for (const one of observed) {
    const others = requests.get(nameOf(one));
    if (others) others.push(one);
    else requests.set(nameOf(one), [one]);
  }
  return requests;
}

interface Moment {
  row: Decided;
  /** Nobody had asked for it before. */
  askedAtMs: number;
  /** By then it was decided. */
  knownAtMs: number;
}

/** An answer that came before another request was sent has the smaller version. A repeated answer tells of the first one. */
function ordersAgainstTime(history: History): string[] {
  const moments = momentsOf(history);
  const known = moments.filter(({ knownAtMs }) => knownAtMs < Infinity).sort((a, b) => a.knownAtMs - b.knownAtMs);
  const asked = moments.sort((a, b) => a.askedAtMs - b.askedAtMs);
  let next = 0;
  let newest: Decided | undefined;
  return asked.flatMap(({ row, askedAtMs }) => {
    for (let one = known[next]; one && one.knownAtMs < askedAtMs; one = known[(next += 1)]) {
      if (one.row.version > (newest?.version ?? 0)) newest = one.row;
    }
    if (!newest || newest.version < row.version) return [];
    return [
      `G12 order ${newest.orderId} was answered before order ${row.orderId} was asked for, and has the larger version`,
    ];
  });
}

function momentsOf({ observed, decided }: History): Moment[] {
  const requests = byName(observed);
  return decided.flatMap((row) => {
    const asked = (requests.get(nameOf(row)) ?? []).filter(({ outcome }) => outcome !== 'fail');
    if (asked.length === 0) return [];
    const answers = asked.filter(({ outcome, orderId }) => outcome === 'ok' && orderId === row.orderId);
    return {
      row,
      askedAtMs: Math.min(...asked.map(({ sentAtMs }) => sentAtMs)),
      knownAtMs: Math.min(...answers.map(({ answeredAtMs = Infinity }) => answeredAtMs)),
    };
  });
}
