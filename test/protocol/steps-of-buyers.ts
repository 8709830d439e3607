import { epochOf } from '../../src/stock/version.js';
import { remember } from './lane.js';
import type { Protocol } from './protocol.js';
import { type Api, type Bounds, type Emit, type Reply, type System, withOne } from './system.js';

/** Buyers ask, each under one key; the process asks Redis. An answer may be lost: then the buyer may ask again. */
export function stepsOfBuyers(
  system: System,
  { bounds, rules }: { bounds: Bounds; rules: Protocol },
  emit: Emit,
): void {
  system.apis.forEach((api, index) => {
    const { reply } = api;
    if (reply) {
      emit('wish', `api ${index + 1} answers ${reply.buyer}`, answered(system, index, reply));
      emit('wish', `the answer to ${reply.buyer} is lost`, lostReply(system, index));
      return;
    }
    for (const buyer of Object.keys(bounds.buyers)) {
      if (mayAsk(system, bounds, buyer)) ask(system, { bounds, rules, index, buyer }, emit);
    }
  });
}

/** A buyer who was told of an order is content with it, unless it was destroyed; so is one who finds it in the books. */
function mayAsk({ world, books }: System, { duplicates }: Bounds, buyer: string): boolean {
  if (duplicates.includes(buyer)) return true;
  return !world.promised.some((id) => id.startsWith(`${buyer}-`)) && !books.rows.some((row) => row.buyer === buyer);
}

interface Asking {
  bounds: Bounds;
  rules: Protocol;
  index: number;
  buyer: string;
}

function ask(system: System, { bounds, rules, index, buyer }: Asking, emit: Emit): void {
  const { redis, world } = system;
  const api = system.apis[index] as Api;
  const made = world.made[buyer] ?? 0;
  const request = { orderId: `${buyer}-${made + 1}`, buyer, idempotencyKey: 'k', quantity: 1 };
  const [lane, decisions] = rules.reserve(redis, { seen: api.seen, nowMs: 0, requests: [request] });
  const decision = decisions[0] as (typeof decisions)[number];
  const name = `${buyer} asks api ${index + 1}: ${decision.outcome}`;

  if (decision.outcome === 'UNAVAILABLE') {
    if (lane !== redis) emit('wish', name, { ...system, redis: lane });
    return;
  }
  const isNew = decision.outcome === 'ACCEPTED';
  if (isNew && isBeyond(system, bounds, buyer)) return;
  const decided: System = {
    ...system,
    redis: lane,
    world: isNew ? { ...world, made: { ...world.made, [buyer]: made + 1 } } : world,
  };
  const orderId = 'orderId' in decision ? decision.orderId : undefined;
  const reply: Reply = { buyer, seen: remember(api.seen, lane, decisions) };
  if (orderId !== undefined) reply.orderId = orderId;

  const violated = deception(system, api, reply);
  if (bounds.slowReplies) {
    emit('wish', name, { ...decided, apis: withOne(system.apis, index, { ...api, reply }) }, violated);
    return;
  }
  emit('wish', name, answered(decided, index, reply), violated);
  if (isNew) emit('wish', `${name}, and the answer is lost`, decided, violated);
}

/** Of buyers who are alike the first one is first: the others would tell the same story under another name. */
function isBeyond({ world }: System, { buyers, duplicates }: Bounds, buyer: string): boolean {
  const made = world.made[buyer] ?? 0;
  const alike = Object.keys(buyers).filter((one) => !duplicates.includes(one) && buyers[one] === buyers[buyer]);
  const before = alike[alike.indexOf(buyer) - 1];
  return made >= (buyers[buyer] ?? 0) || (before !== undefined && made === 0 && world.made[before] === 0);
}

function answered(system: System, index: number, { seen, orderId }: Reply): System {
  const api: Api = { seen };
  const before = system.apis[index];
  // What an earlier epoch lost, a rebuild has given up.
  const isOfThisEpoch = before && epochOf(before.seen.version) === epochOf(seen.version);
  const knows = orderId ?? (isOfThisEpoch ? before.knows : undefined);
  if (knows !== undefined) api.knows = knows;
  const { world } = system;
  const isTold = orderId === undefined || world.promised.includes(orderId) || world.destroyed.includes(orderId);
  const promised = isTold ? world.promised : [...world.promised, orderId].sort();
  return { ...system, apis: withOne(system.apis, index, api), world: isTold ? world : { ...world, promised } };
}

function lostReply(system: System, index: number): System {
  const { reply: _, ...api } = system.apis[index] as Api;
  return { ...system, apis: withOne(system.apis, index, api) };
}

/** An answer that should not have been given: what the process knows of is gone, or the buyer's order is denied. */
function deception({ redis }: System, { seen, knows }: Api, { buyer, orderId }: Reply): string | undefined {
  const orders = redis.sale?.orders ?? [];
  const isGone = knows !== undefined && orders.every((order) => order.orderId !== knows);
  if (isGone && epochOf(seen.version) === redis.epoch) return 'a loss is noticed';
  const isDenied = orderId === undefined && orders.some((order) => order.buyer === buyer);
  return isDenied ? 'a refusal has no effect' : undefined;
}
