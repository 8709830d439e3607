import type { Redis } from 'ioredis';
import { LuaScript } from '../platform/redis/lua-script.js';
import { repliesOf } from '../platform/redis/replies.js';
import { laneKeys } from './stock-keys.js';
import { baseOf } from './version.js';

const closeLane = new LuaScript(new URL('./close-lane.lua', import.meta.url));
const openLane = new LuaScript(new URL('./open-lane.lua', import.meta.url));
const armLane = new LuaScript(new URL('./arm-lane.lua', import.meta.url));

/** A lane as Redis has it, and the run id of the Redis that said so, read at one moment. */
export interface LaneInRedis {
  /** `missing`: there is no such hash, which is as good as closed. */
  state: 'open' | 'closed' | 'missing';
  epoch: number;
  version: number;
  /** What Postgres is known to have recorded in this epoch. */
  recorded: number;
  /** The Redis on which the lane was verified; it decides only there. */
  runId: string;
  /** The Redis that answered. */
  serverRunId: string;
  /** Highest version that is known to be gone. */
  lost: number | undefined;
  /** Why a guard closed it. */
  closedBecause: string | undefined;
  /** Of the last guard that wrote to it; 0 before the first. */
  guardToken: number;
}

/** Whether the lane decides, as far as Redis alone can tell. */
export const isOpen = ({ state, runId, serverRunId }: LaneInRedis): boolean =>
  state === 'open' && runId === serverRunId;

/** The verdict "open or closed" of each lane: read by many, written by the guard only. */
export class LaneGate {
  constructor(private readonly redis: Redis) {}

  async read(lane: number): Promise<LaneInRedis> {
    const replies = await this.redis.multi().hgetall(laneKeys(lane).state).info('server').exec();
    const [hash, info] = repliesOf(replies);
    return toLane(hash as Record<string, string>, runIdOf(info as string));
  }

  /** @returns the run id of the Redis on which it is closed now, or undefined when a newer guard was here. */
  async close(lane: number, token: number, because: string): Promise<string | undefined> {
    const reply = await closeLane.run(this.redis, [laneKeys(lane).state], [token, because]);
    const [outcome, runId] = reply as [string, string];
    return outcome === 'CLOSED' ? runId : undefined;
  }

  /**
   * Starts an epoch in a lane that was closed under this token; false when it is not that lane any more.
   *
   * @param recorded decisions of the epoch that were made by rebuilding the lane.
   */
  async open(
    lane: number,
    token: number,
    { epoch, runId, recorded = 0 }: { epoch: number; runId: string; recorded?: number },
  ): Promise<boolean> {
    const args = [token, runId, epoch, baseOf(epoch) + recorded, recorded];
    return (await openLane.run(this.redis, [laneKeys(lane).state], args)) === 'OPENED';
  }

  /** Lets a lane with unchanged data decide again on another Redis; false when it is not what was compared any more. */
  async arm(
    lane: number,
    token: number,
    compared: { epoch: number; version: number; runId: string },
  ): Promise<boolean> {
    const { epoch, version, runId } = compared;
    return (await armLane.run(this.redis, [laneKeys(lane).state], [token, epoch, version, runId])) === 'ARMED';
  }
}

/** The run id in a reply to `INFO server`. */
export function runIdOf(info: string): string {
  const runId = /^run_id:(\w+)/m.exec(info)?.[1];
  if (runId === undefined) throw new Error('INFO server names no run id');
  return runId;
}

function toLane(hash: Record<string, string>, serverRunId: string): LaneInRedis {
  return {
    state: hash.state === 'open' || hash.state === 'closed' ? hash.state : 'missing',
    epoch: Number(hash.epoch ?? 0),
    version: Number(hash.version ?? 0),
    recorded: Number(hash.recorded ?? 0),
    runId: hash.runId ?? '',
    serverRunId,
    lost: hash.lost === undefined ? undefined : Number(hash.lost),
    closedBecause: hash.closedBecause,
    guardToken: Number(hash.guardToken ?? 0),
  };
}
