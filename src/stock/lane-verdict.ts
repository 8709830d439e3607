import type { LaneInRedis } from './lane-gate.js';

/** A lane as Postgres has it: the fence. */
export interface LaneInPostgres {
  epoch: number;
  /** The Redis whose entries may be stored; null until the lane is open in one. */
  runId: string | null;
  maxVersion: number;
  recorded: number;
  /** No sale was ever announced to Redis: nothing can have been sold. */
  neverLoaded: boolean;
}

export type LaneVerdict =
  | { is: 'open' }
  /** Nothing was ever sold: the lane may simply be opened. */
  | { is: 'new' }
  /** Same data on another Redis: may be armed. */
  | { is: 'restarted' }
  /** Only a rebuild from Postgres can open it again. */
  | { is: 'lost'; because: string };

/**
 * What a guard has to do with a lane, and what the audit says of it. Pure. Redis must have been read before Postgres:
 * a lane that waits to be armed decides nothing, while Postgres may still record what was decided before.
 */
export function judgeLane(redis: LaneInRedis, postgres: LaneInPostgres): LaneVerdict {
  const because = reasonToDistrust(redis, postgres);
  // A Redis of a later epoch has another Postgres, and perhaps its sales: not ours to begin anew.
  const isNew = postgres.neverLoaded && redis.epoch <= postgres.epoch;
  if (because !== undefined) return isNew ? { is: 'new' } : { is: 'lost', because };
  return isArmed(redis, postgres) ? { is: 'open' } : { is: 'restarted' };
}

const isArmed = (redis: LaneInRedis, postgres: LaneInPostgres) =>
  redis.runId === redis.serverRunId && postgres.runId === redis.serverRunId;

function reasonToDistrust(redis: LaneInRedis, postgres: LaneInPostgres): string | undefined {
  if (redis.state === 'missing') return 'Redis has no such lane: it was emptied, or is another Redis';
  if (redis.lost !== undefined) return `Redis has lost decisions up to version ${redis.lost}`;
  if (redis.state === 'closed') return redis.closedBecause ?? 'Redis says that it is closed';
  if (redis.epoch !== postgres.epoch) return `Redis is in epoch ${redis.epoch}, Postgres in ${postgres.epoch}`;
  if (isArmed(redis, postgres)) return undefined;
  if (redis.version < postgres.maxVersion) {
    return `Redis is behind Postgres: its version ${redis.version} is below ${postgres.maxVersion}`;
  }
  if (redis.recorded > postgres.recorded) {
    return `Postgres is behind Redis: it has recorded ${postgres.recorded} decisions, not ${redis.recorded}`;
  }
  return undefined;
}
