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
  /** Why an operator wants it rebuilt; null when nobody does. */
  rebuildAsked: string | null;
}

export type LaneVerdict =
  | { is: 'open' }
  /** Nothing was ever on sale: a rebuild opens it, with nothing in it. */
  | { is: 'new' }
  /** Same data on another Redis: may be armed. */
  | { is: 'restarted' }
  /**
   * Only a rebuild from Postgres can open it again. `isAhead`: Redis has gone further than Postgres, so it may as well be that of
   * another Postgres.
   */
  | { is: 'lost'; because: string; isAhead: boolean }
  /** This Redis belongs to another Postgres, and has perhaps its sales: only a human may have it rebuilt. */
  | { is: 'foreign'; because: string };

/**
 * What a guard has to do with a lane, and what the audit says of it. Pure. Redis must have been read before Postgres: what
 * Redis knows to be recorded, Postgres has recorded.
 */
export function judgeLane(redis: LaneInRedis, postgres: LaneInPostgres): LaneVerdict {
  if (postgres.rebuildAsked !== null) return { is: 'lost', because: postgres.rebuildAsked, isAhead: false };
  const because = reasonToDistrust(redis, postgres);
  if (because === undefined) return isArmed(redis, postgres) ? { is: 'open' } : { is: 'restarted' };
  const isAhead =
    redis.epoch > postgres.epoch || (redis.epoch === postgres.epoch && redis.recorded > postgres.recorded);
  return postgres.neverLoaded && !isAhead ? { is: 'new' } : { is: 'lost', because, isAhead };
}

const isArmed = (redis: LaneInRedis, postgres: LaneInPostgres) =>
  redis.runId === redis.serverRunId && postgres.runId === redis.serverRunId;

function reasonToDistrust(redis: LaneInRedis, postgres: LaneInPostgres): string | undefined {
  if (redis.state === 'missing') return 'Redis has no such lane: it was emptied, or is another Redis';
  if (redis.lost !== undefined) return `Redis has lost decisions up to version ${redis.lost}`;
  if (redis.state === 'closed') return redis.closedBecause ?? 'Redis says that it is closed';
  if (redis.epoch !== postgres.epoch) return `Redis is in epoch ${redis.epoch}, Postgres in ${postgres.epoch}`;
  if (redis.recorded > postgres.recorded) {
    return `Postgres is behind Redis: it has recorded ${postgres.recorded} decisions, not ${redis.recorded}`;
  }
  if (isArmed(redis, postgres)) return undefined;
  if (postgres.runId !== redis.runId && postgres.runId !== redis.serverRunId) {
    // What was decided on the Redis between the two may be gone, and nothing here would show it.
    return 'Redis was last verified on another Redis than the one that Postgres took over last';
  }
  if (redis.version < postgres.maxVersion) {
    return `Redis is behind Postgres: its version ${redis.version} is below ${postgres.maxVersion}`;
  }
  return undefined;
}
