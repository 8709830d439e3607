import { emptyLane, type Lane, NOTHING_SEEN } from './lane.js';
import { type Bounds, type Emit, type Fault, type System, withOne } from './system.js';

/** What breaks from outside. There are as many faults as the bounds allow, of the kinds they allow. */
export function stepsOfFaults(system: System, { kinds, copies }: Bounds, emit: Emit): void {
  const { redis, books, world } = system;
  if (world.faults === 0) return;
  const may = (fault: Fault) => kinds.includes(fault);
  const restarted = `r${world.restarts + 1}`;
  if (may('restart')) emit('fault', `Redis restarts as ${restarted}`, onAnother(system, redis));
  if (may('flush')) emit('fault', 'FLUSHALL', suffered(system, emptyLane(redis.serverRunId)));
  if (may('empty')) emit('fault', `Redis restarts empty as ${restarted}`, onAnother(system, emptyLane('')));
  if (may('rebuild asked') && books.rebuildAsked === null) {
    emit('fault', 'a rebuild is asked for', spent({ ...system, books: { ...books, rebuildAsked: 'asked' } }));
  }
  if (may('deleted entry')) {
    for (const { order } of redis.stream) {
      const stream = redis.stream.filter((entry) => entry.order !== order);
      emit('fault', `the entry of ${order.orderId} is deleted`, spent({ ...system, redis: { ...redis, stream } }));
    }
  }
  if (may('older copy')) {
    for (const copy of system.copies) {
      emit('fault', `Redis restarts with an older copy of its data as ${restarted}`, onAnother(system, copy));
    }
    if (system.copies.length < copies) {
      const added = [...system.copies, { ...redis, serverRunId: '' }];
      emit('fault', 'a copy of the data of Redis is kept', { ...system, copies: added });
    }
  }
  if (may('postgres goes back') && !system.replica) {
    emit('fault', 'a replica of Postgres falls behind', { ...system, replica: books });
  }
  if (may('postgres goes back') && system.replica) {
    emit('fault', 'Postgres goes back', goneBack(system, system.replica));
  }
  if (may('api crash')) crashes(system, emit);
}

function crashes(system: System, emit: Emit): void {
  system.apis.forEach(({ seen, reply }, index) => {
    if (seen.version === 0 && !reply) return;
    const apis = withOne(system.apis, index, { seen: NOTHING_SEEN });
    emit('fault', `api ${index + 1} dies`, spent({ ...system, apis }));
  });
}

function onAnother(system: System, lane: Lane): System {
  const { world } = system;
  const next = { ...system, world: { ...world, restarts: world.restarts + 1 } };
  return suffered(next, { ...lane, serverRunId: `r${next.world.restarts}` });
}

/** What is in neither of the two stores any more is destroyed: only that may be missed later. */
function suffered(system: System, lane: Lane): System {
  const { redis, books } = system;
  const there = new Set([...idsIn(lane), ...books.rows.map(({ orderId }) => orderId)]);
  return spent(
    destroyed(
      { ...system, redis: lane },
      idsIn(redis).filter((orderId) => !there.has(orderId)),
    ),
  );
}

const idsIn = ({ sale, stream }: Lane): string[] => [
  ...(sale?.orders ?? []).map(({ orderId }) => orderId),
  ...stream.map(({ order }) => order.orderId),
];

function destroyed(system: System, orderIds: readonly string[]): System {
  if (orderIds.length === 0) return system;
  const { world } = system;
  const all = [...new Set([...world.destroyed, ...orderIds])].sort();
  const promised = world.promised.filter((orderId) => !all.includes(orderId));
  return { ...system, world: { ...world, destroyed: all, promised } };
}

function goneBack(system: System, replica: NonNullable<System['replica']>): System {
  const { redis, books } = system;
  const there = new Set([...idsIn(redis), ...replica.rows.map(({ orderId }) => orderId)]);
  const gone = books.rows.map(({ orderId }) => orderId).filter((orderId) => !there.has(orderId));
  return spent(destroyed({ ...system, books: replica, replica: undefined }, gone));
}

const NO_COPIES: readonly Lane[] = [];

/** After the last fault, what only faults need is forgotten: states that differ in nothing else are one. */
function spent(system: System): System {
  const faults = system.world.faults - 1;
  const world = { ...system.world, faults };
  return faults > 0 ? { ...system, world } : { ...system, world, copies: NO_COPIES, replica: undefined };
}
