import { epochOf, ordinalOf } from '../../src/stock/version.js';
import type { Books } from './books.js';
import type { Violation } from './explore.js';
import type { Lane, Seen } from './lane.js';
import type { System } from './system.js';

/** A violation for a reader: each step in words, and under it what it changed of what the stores and processes have. */
export function print({ promise, trace }: Violation): string {
  const lines = trace.flatMap(({ name, system }, index) => {
    const before = index === 0 ? [] : picture(trace[index - 1]?.system as System);
    const changed = picture(system).filter((line) => !before.includes(line));
    return [`${String(index).padStart(3)}. ${name}`, ...changed.map((line) => `       ${line}`)];
  });
  return [...lines, `     BROKEN: ${promise}`].join('\n');
}

function picture({ redis, copies, books, replica, apis }: System): string[] {
  return [
    `Redis     ${ofLane(redis)}`,
    ...copies.map((copy) => `copy      ${ofLane(copy)}`),
    `Postgres  ${ofBooks(books)}`,
    ...(replica ? [`replica   ${ofBooks(replica)}`] : []),
    ...apis.map(({ seen }, index) => `api ${index + 1}     ${ofSeen(seen)}`),
  ];
}

/** Epoch and number of the decision in it. */
const short = (version: number) => `${epochOf(version)}.${ordinalOf(version)}`;

function ofLane(lane: Lane): string {
  const { state, epoch, version, recorded, runId, serverRunId, lost, sale, stream } = lane;
  if (state === 'missing') return `${serverRunId} is empty`;
  const orders = sale?.orders.map(({ orderId, version: its, releasedVersion }) =>
    releasedVersion === undefined
      ? `${orderId} held (${short(its)})`
      : `${orderId} given back (${short(releasedVersion)})`,
  );
  const entries = stream.map(({ order, is }) => `${order.orderId} ${is}`);
  return [
    `${serverRunId || 'not running'}: ${state}`,
    epoch === undefined
      ? 'in no epoch'
      : `verified on ${runId ?? 'none'}, version ${short(version ?? 0)}, recorded ${recorded ?? 0}`,
    ...(lost === undefined ? [] : [`lost ${short(lost)}`]),
    `sale: ${orders ? orders.join(', ') || 'nobody has any' : 'missing'}`,
    ...(entries.length > 0 ? [`stream: ${entries.join(', ')}`] : []),
  ].join(' | ');
}

function ofBooks({ epoch, runId, maxVersion, recorded, held, total, rows, letters }: Books): string {
  const orders = rows.map(({ orderId, status, releasedVersion }) =>
    releasedVersion === undefined
      ? `${orderId} ${status}`
      : `${orderId} ${status}, given back (${short(releasedVersion)})`,
  );
  return [
    `epoch ${epoch} on ${runId}, max ${short(maxVersion)}, recorded ${recorded}, held ${held} of ${total}`,
    ...orders,
    ...letters.map(({ orderId, reason }) => `dead letter ${orderId} ${reason}`),
  ].join(' | ');
}

const ofSeen = ({ version, runId }: Seen) =>
  version === 0 ? 'was answered nothing' : `was answered up to ${short(version)} by ${runId}`;
