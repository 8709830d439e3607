import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { inRedis, query } from '../support/stores.js';
import type { TestSystem } from '../support/system.js';
import { GROUP, LANE, moreAccepted, ORDERS, type RunningRace } from './lane-under-fault.js';
import { raceThrough } from './true-books.js';
import { BATCH_MAX, TwoWorkers } from './two-workers.js';

const RACE_MS_MAX = 90_000;
const SETTLED_WITHIN_MS = 30_000;

const ORDER = '0193a2f0-7c1e-7c55-9d0a-3f5f6b1c2d3e';
const SALE = '0193a2f0-7c1e-7c55-9d0a-3f5f6b1c2d3f';
const fields = (changed: Record<string, string>) =>
  Object.entries({
    ...{ v: '1', order: ORDER, sale: SALE, buyer: 'b', key: 'k', units: '1', version: '1', at: '1' },
    ...changed,
  }).flat();

/** Each is of another kind, and none is what the reserve script writes. */
const UNREADABLE = [
  ['hello', 'world'],
  fields({}).slice(2),
  fields({ v: '2' }),
  fields({ order: 'no uuid' }),
  fields({ sale: 'no uuid' }),
  fields({ units: 'abc' }),
  fields({ units: '-1' }),
  fields({ version: '1e99' }),
  fields({ buyer: 'a\0b' }),
  fields({ key: 'x'.repeat(1_000_000) }),
];

describe('a race during which the stream of orders is damaged', () => {
  let two: TwoWorkers;
  let system: TestSystem;
  beforeAll(async () => {
    two = await TwoWorkers.start();
    system = two.system;
  }, 60_000);
  beforeEach(() => system.pidOf('worker') ?? two.startFirst(), 60_000);
  afterAll(() => two.close());

  const inStream = <T>(work: (redis: Redis) => Promise<T>) => inRedis(system.redisUrl, work);

  /** A batch that a worker has taken is damaged in the stream, and the worker dies with it; the other one goes on. */
  const whileTaken = async (race: RunningRace, damage: (redis: Redis, entryIds: string[]) => Promise<unknown>) => {
    const entryIds = await two.pauseWithBatch(race);
    const done = await inStream((redis) => damage(redis, entryIds));
    await system.killPart('worker');
    two.proxy.drop();
    return done;
  };

  it(
    'loses nothing when the group is destroyed',
    async () => {
      let destroyed: unknown;
      const books = await raceThrough(system, async () => {
        destroyed = await inStream((redis) => redis.xgroup('DESTROY', ORDERS, GROUP));
      });

      expect(destroyed).toBe(1);
      expect(books).toMatchObject({ violations: [], lost: [], named: 0 });
    },
    RACE_MS_MAX,
  );

  it(
    'loses nothing when a consumer is deleted with the entries it was given',
    async () => {
      let forgotten: unknown;
      const books = await raceThrough(system, async (race) => {
        forgotten = await whileTaken(race, async (redis, [entryId = '']) => {
          const [[, consumer]] = (await redis.xpending(ORDERS, GROUP, entryId, entryId, 1)) as [[string, string]];
          return redis.xgroup('DELCONSUMER', ORDERS, GROUP, consumer);
        });
      });

      expect(forgotten).toBeGreaterThanOrEqual(BATCH_MAX);
      expect(books).toMatchObject({ violations: [], lost: [], named: 0 });
    },
    RACE_MS_MAX,
  );

  it(
    'loses nothing when entries are deleted that a worker was given',
    async () => {
      let deleted: unknown;
      const books = await raceThrough(system, async (race) => {
        deleted = await whileTaken(race, (redis, entryIds) => redis.xdel(ORDERS, ...entryIds));
      });

      expect(deleted).toBeGreaterThanOrEqual(BATCH_MAX);
      expect(books).toMatchObject({ violations: [], lost: [], named: 0 });
      const letters = await eventually(
        async () => {
          const found = await lettersOf(system);
          return found.every(({ state }) => state === 'replayed') && found;
        },
        { withinMs: SETTLED_WITHIN_MS },
      );
      expect(letters.length).toBeGreaterThanOrEqual(BATCH_MAX);
    },
    RACE_MS_MAX,
  );

  it(
    'stores all others when one entry in a hundred cannot be read, and lists those',
    async () => {
      let entryIds: (string | null)[] = [];
      const books = await raceThrough(system, (race) =>
        inStream(async (redis) => {
          for (const unreadable of UNREADABLE) {
            entryIds = [...entryIds, await redis.xadd(ORDERS, '*', ...unreadable)];
            await moreAccepted(race, 6);
          }
        }),
      );

      expect(books).toMatchObject({ violations: [], lost: [], named: 0, rebuilds: 0 });
      const { deadLetters } = (await system.admin('GET', '/v1/admin/dead-letters?state=open')) as {
        deadLetters: { entryId: string; reason: string }[];
      };
      expect(deadLetters.map(({ entryId }) => entryId).sort()).toEqual(entryIds.sort());
      expect(new Set(deadLetters.map(({ reason }) => reason))).toEqual(new Set(['unreadable']));
    },
    RACE_MS_MAX,
  );
});

const lettersOf = ({ databaseUrl }: TestSystem) =>
  query<{ reason: string; state: string }>(databaseUrl, 'SELECT reason, state FROM dead_letters WHERE lane = $1', [
    LANE,
  ]);
