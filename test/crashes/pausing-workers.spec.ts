import { inRedis } from '../support/stores.js';
import type { TestSystem } from '../support/system.js';
import { askForRebuild, epochOf, moreAccepted, rebuildOnWish, type RunningRace } from './lane-under-fault.js';
import { raceThrough } from './true-books.js';
import { BATCH_MAX, TwoWorkers } from './two-workers.js';

const RACE_MS_MAX = 90_000;

describe('a race with two workers', () => {
  let two: TwoWorkers;
  let system: TestSystem;
  beforeAll(async () => {
    two = await TwoWorkers.start();
    system = two.system;
  }, 60_000);
  afterAll(() => two.close());

  const flushAll = () => inRedis(system.redisUrl, (redis) => redis.flushall());
  const restartRedis = async () => {
    await system.killPart('redis');
    await system.startPart('redis');
  };

  /** One worker holds a full batch meanwhile; its statement arrives when all is healed, and then it wakes. */
  const whilePaused = async (race: RunningRace, fault: () => Promise<unknown>) => {
    try {
      const held = await two.pauseWithBatch(race);
      await fault();
      await moreAccepted(race, 30);
      return held.length;
    } finally {
      two.proxy.release();
      system.resumeRole('worker');
    }
  };

  it(
    'loses nothing when one is paused with a full batch while Redis is killed and started again',
    async () => {
      let held = 0;
      const books = await raceThrough(system, async (race) => (held = await whilePaused(race, restartRedis)));

      expect(held).toBeGreaterThanOrEqual(BATCH_MAX);
      expect(books).toMatchObject({ violations: [], lost: [], named: 0, rebuilds: 0 });
    },
    RACE_MS_MAX,
  );

  it(
    'loses nothing when one is paused with a full batch while the other rebuilds the lane',
    async () => {
      let held = 0;
      const books = await raceThrough(
        system,
        async (race) => (held = await whilePaused(race, () => rebuildOnWish(system, race))),
      );

      expect(held).toBeGreaterThanOrEqual(BATCH_MAX);
      expect(books).toMatchObject({ violations: [], lost: [], named: 0, rebuilds: 1 });
    },
    RACE_MS_MAX,
  );

  it(
    'lists the batch of one that is paused over FLUSHALL, for its units are sold again by then',
    async () => {
      let held = 0;
      const books = await raceThrough(system, async (race) => (held = await whilePaused(race, flushAll)));

      expect(held).toBeGreaterThanOrEqual(BATCH_MAX);
      expect(books.violations).toEqual([]);
      expect(books.rebuilds).toBeGreaterThan(0);
      expect(books.lost.length).toBeGreaterThanOrEqual(held);
      expect(books.lost.length).toBeLessThanOrEqual(books.named);
    },
    RACE_MS_MAX,
  );

  it(
    'goes on after FLUSHALL, whichever of two guards heals the lane',
    async () => {
      const books = await raceThrough(system, flushAll);

      expect(books.violations).toEqual([]);
      expect(books.rebuilds).toBeGreaterThan(0);
      expect(books.lost.length).toBeLessThanOrEqual(books.named);
    },
    RACE_MS_MAX,
  );

  it(
    'is rebuilt once when an operator asks for it, whichever of two guards does it',
    async () => {
      const epoch = await epochOf(system);
      const books = await raceThrough(system, ({ saleId }) => askForRebuild(system, saleId));

      expect(books).toMatchObject({ violations: [], lost: [], named: 0, rebuilds: 1 });
      expect(await epochOf(system)).toBe(epoch + 1);
    },
    RACE_MS_MAX,
  );
});
