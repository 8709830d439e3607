import type { Redis } from 'ioredis';
import { isServerReply } from './errors.js';

const VERSION_MIN = 7;

/**
 * What is wrong with a Redis as the place where orders are accepted, one line for each mistake; none when it may be used.
 * A server that does not let us look (CONFIG forbidden, as managed ones do) is taken at its word.
 */
export async function findRedisMistakes(redis: Redis): Promise<string[]> {
  const mistakes = await commonMistakes(redis, { variable: 'REDIS_URL', holds: 'stock' });
  const appendonly = await configured(redis, 'appendonly');
  if (appendonly !== undefined && appendonly !== 'yes') {
    mistakes.push('REDIS_URL: Redis must run with `appendonly yes`, or a restart loses orders');
  }
  return mistakes;
}

/** The same of a Redis that may lose what it has, but not in the middle of it: scripts of BullMQ expect their keys whole. */
export function findQueueRedisMistakes(redis: Redis): Promise<string[]> {
  return commonMistakes(redis, { variable: 'QUEUE_REDIS_URL', holds: 'jobs' });
}

async function commonMistakes(
  redis: Redis,
  { variable, holds }: { variable: string; holds: string },
): Promise<string[]> {
  const version = /^redis_version:(\d+)/m.exec(await redis.info('server'))?.[1];
  const mistakes = Number(version) >= VERSION_MIN ? [] : [`${variable}: Redis ${VERSION_MIN} or newer is needed`];
  const policy = await configured(redis, 'maxmemory-policy');
  if (policy !== undefined && policy !== 'noeviction') {
    mistakes.push(`${variable}: Redis must run with \`maxmemory-policy noeviction\`, or it drops ${holds}`);
  }
  return mistakes;
}

/** What is weak about it and yet a choice one may make; undefined when nothing is, or it does not let us look. */
export async function findRedisWeakness(redis: Redis): Promise<string | undefined> {
  const appendfsync = await configured(redis, 'appendfsync');
  if (appendfsync === undefined || appendfsync === 'always') return undefined;
  return `Redis runs with appendfsync ${appendfsync}: a power loss may lose the last second of accepted orders`;
}

async function configured(redis: Redis, parameter: string): Promise<string | undefined> {
  try {
    const [, value] = await redis.config('GET', parameter);
    return value;
  } catch (error) {
    if (!isServerReply(error)) throw error;
    return undefined;
  }
}
