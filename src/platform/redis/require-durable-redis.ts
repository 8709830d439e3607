import type { Redis } from 'ioredis';
import { isServerReply } from './errors.js';

const VERSION_MIN = 7;

/**
 * What is wrong with a Redis as the place where orders are accepted, one line for each mistake; none when it may be used.
 * A server that does not let us look (CONFIG forbidden, as managed ones do) is taken at its word.
 */
export async function findRedisMistakes(redis: Redis): Promise<string[]> {
  const version = /^redis_version:(\d+)/m.exec(await redis.info('server'))?.[1];
  const mistakes = Number(version) >= VERSION_MIN ? [] : [`REDIS_URL: Redis ${VERSION_MIN} or newer is needed`];
  try {
    const [, appendonly] = await redis.config('GET', 'appendonly');
    const [, policy] = await redis.config('GET', 'maxmemory-policy');
    if (appendonly !== 'yes') {
      mistakes.push('REDIS_URL: Redis must run with `appendonly yes`, or a restart loses orders');
    }
    if (policy !== 'noeviction') {
      mistakes.push('REDIS_URL: Redis must run with `maxmemory-policy noeviction`, or it drops stock');
    }
  } catch (error) {
    if (!isServerReply(error)) throw error;
  }
  return mistakes;
}
