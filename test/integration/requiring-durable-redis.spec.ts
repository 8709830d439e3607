import type { Redis } from 'ioredis';
import {
  findQueueRedisMistakes,
  findRedisMistakes,
  findRedisWeakness,
} from '../../src/platform/redis/require-durable-redis.js';
import type { Corner } from '../support/corner.js';
import { OwnRedis } from '../support/own-redis.js';

describe('a Redis that a process is given', () => {
  let own: OwnRedis;
  let corner: Corner;
  let redis: Redis;
  beforeAll(async () => {
    own = await OwnRedis.start();
    corner = await own.openCorner();
    redis = corner.redis;
  });
  afterAll(async () => {
    await corner.close();
    await own.stop();
  });
  beforeEach(() => redis.config('SET', 'appendonly', 'yes', 'maxmemory-policy', 'noeviction', 'appendfsync', 'always'));

  it('is taken when it keeps what it acknowledges', async () => {
    expect(await findRedisMistakes(redis)).toEqual([]);
    expect(await findQueueRedisMistakes(redis)).toEqual([]);
    expect(await findRedisWeakness(redis)).toBeUndefined();
  });

  it('is refused for the stock and for the queues when it may drop keys, each by the name of its variable', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await findRedisMistakes(redis)).toEqual([expect.stringMatching(/^REDIS_URL: .*noeviction.* drops stock$/)]);
    expect(await findQueueRedisMistakes(redis)).toEqual([
      expect.stringMatching(/^QUEUE_REDIS_URL: .*noeviction.* drops jobs$/),
    ]);
  });

  it('is refused for the stock alone when a restart would lose what it has', async () => {
    await redis.config('SET', 'appendonly', 'no');
    expect(await findRedisMistakes(redis)).toEqual([expect.stringMatching(/^REDIS_URL: .*appendonly/)]);
    expect(await findQueueRedisMistakes(redis)).toEqual([]);
  });

  it('is called weak when a power loss may take its last second', async () => {
    await redis.config('SET', 'appendfsync', 'everysec');
    expect(await findRedisWeakness(redis)).toContain('everysec');
  });
});
