import { epochOf } from '../../src/stock/version.js';
import { remember } from './lane.js';
import type { Protocol } from './protocol.js';
import type { Bounds, Emit, GivenBack, Giver, System } from './system.js';

/** Orders are paid or expire; the units of expired ones are given back, in Redis first, and then on record. */
export function stepsOfLeaving(
  system: System,
  { bounds, rules }: { bounds: Bounds; rules: Protocol },
  emit: Emit,
): void {
  const { books } = system;
  if (bounds.expires.length === 0) return;
  for (const { orderId, buyer, status } of books.rows) {
    if (!bounds.expires.includes(buyer)) continue;
    const to = bounds.pays ? (['expired', 'paid'] as const) : (['expired'] as const);
    for (const next of to) {
      const left = rules.leave(books, orderId, next);
      if (left !== books) emit('wish', `${orderId} is ${next}, it was ${status}`, { ...system, books: left });
    }
  }
  stepsOfTheGiver(system, rules, emit);
}

function stepsOfTheGiver(system: System, rules: Protocol, emit: Emit): void {
  const { books, giver } = system;
  const { seen, orderId, given } = giver;
  const rests: Giver = { seen };
  if (given) {
    const { orderId: id, version, runId, recorded: known } = given;
    const term = { epoch: epochOf(version), runId, recorded: known };
    const recorded = rules.recordReleases(books, term, [{ orderId: id, releasedVersion: version }]);
    const name = recorded ? 'records' : 'may not record';
    emit('work', `giver ${name} ${id} as given back`, { ...system, books: recorded ?? books, giver: rests });
  }
  if (orderId !== undefined) giveBack(system, orderId, { rules, emit });
  if (given ?? orderId) {
    emit('crash', 'giver forgets what it was doing', { ...system, giver: rests });
    return;
  }
  for (const row of books.rows) {
    if (row.status !== 'expired' || row.releasedVersion !== undefined) continue;
    emit('work', `giver finds that ${row.orderId} is to be given back`, {
      ...system,
      giver: { seen, orderId: row.orderId },
    });
  }
}

function giveBack(system: System, orderId: string, { rules, emit }: { rules: Protocol; emit: Emit }): void {
  const { redis, giver } = system;
  const { seen } = giver;
  const [lane, releases] = rules.release(redis, { seen, orderIds: [orderId] });
  const answer = releases[0] as (typeof releases)[number];
  const next = { ...system, redis: lane };
  const name = `giver asks Redis to give ${orderId} back: ${answer.outcome}`;
  if (!('version' in answer)) {
    emit('work', name, { ...next, giver: { seen } }, answer.outcome === 'MISSING' ? 'nothing is missing' : undefined);
    return;
  }
  const { serverRunId: runId, recorded = 0 } = lane;
  const given: GivenBack = { orderId, version: answer.version, runId, recorded };
  emit('work', name, { ...next, giver: { seen: remember(seen, lane, releases), given } });
  if (lane !== redis) emit('crash', `${name}, and the answer is lost`, { ...next, giver: { seen } });
}
