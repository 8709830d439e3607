import { randomInt } from 'node:crypto';
import { inRedis } from '../support/stores.js';
import { TestSystem } from '../support/system.js';
import { moreAccepted, moreResent, rebuildOnWish, type RunningRace } from './lane-under-fault.js';
import { type Books, raceThrough } from './true-books.js';

const RACE_MS_MAX = 90_000;

/** The race went on, in an epoch of its own. */
function expectHealed({ violations, acceptedAfter, rebuilds }: Books): void {
  expect(violations).toEqual([]);
  expect(acceptedAfter).toBeGreaterThan(0);
  expect(rebuilds).toBeGreaterThan(0);
}

/** Something is gone of what buyers were told, and Stampede says so itself. */
function expectNamed({ lost, named }: Books): void {
  expect(lost.length).toBeGreaterThan(0);
  expect(lost.length).toBeLessThanOrEqual(named);
}

/** What was decided and not stored when its only copy went is gone; all else must be as if nothing had happened. */
describe('a race during which Redis loses data', () => {
  let system: TestSystem;
  beforeAll(
    async () => (system = await TestSystem.start({ PERSIST_CLAIM_AFTER_MS: '2000', STATEMENT_TIMEOUT_MS: '1000' })),
    60_000,
  );
  afterAll(() => system.close());

  const flushAll = () => inRedis(system.redisUrl, (redis) => redis.flushall());

  /** Kills Redis, and starts it again on what `harm` leaves of its files. */
  const restartOn = async (harm: () => void) => {
    await system.killPart('redis');
    harm();
    await system.startPart('redis');
  };

  /** Nothing is stored meanwhile, so what is accepted meanwhile exists in Redis alone. */
  const whileNothingIsStored = async (race: RunningRace, harm: () => Promise<unknown>) => {
    system.pauseRole('worker');
    await moreAccepted(race, 90);
    await harm();
    await moreResent(race, 10); // so a process that was told of more has asked: Stampede knows what is gone
    system.resumeRole('worker');
  };

  it(
    'goes on by itself after FLUSHALL',
    async () => {
      const books = await raceThrough(system, flushAll);

      expectHealed(books);
    },
    RACE_MS_MAX,
  );

  it(
    'counts every accepted order that is gone after FLUSHALL',
    async () => {
      const books = await raceThrough(system, (race) => whileNothingIsStored(race, flushAll));

      expectHealed(books);
      expectNamed(books);
    },
    RACE_MS_MAX,
  );

  it(
    'goes on when Redis comes back as it was a while ago',
    async () => {
      const books = await raceThrough(system, async (race) => {
        const copy = await system.files.copy('redis');
        await moreAccepted(race, 150);
        await restartOn(() => system.files.replace('redis', copy));
      });

      expectHealed(books);
    },
    RACE_MS_MAX,
  );

  it(
    'keeps what is stored when Redis comes back as it was, and nobody is left who was answered since',
    async () => {
      const books = await raceThrough(system, async (race) => {
        const copy = await system.files.copy('redis');
        await moreAccepted(race, 150);
        await system.killPart('api');
        await restartOn(() => system.files.replace('redis', copy));
        await system.startPart('api');
      });

      expect(books.violations).toEqual([]);
      expect(books.acceptedAfter).toBeGreaterThan(0);
      expect(books.rebuilds).toBeGreaterThan(0);
    },
    RACE_MS_MAX,
  );

  it(
    'goes on when Redis comes back as it was in an earlier epoch',
    async () => {
      const books = await raceThrough(system, async (race) => {
        const copy = await system.files.copy('redis');
        await rebuildOnWish(system, race);
        await moreAccepted(race, 150);
        await restartOn(() => system.files.replace('redis', copy));
      });

      expectHealed(books);
      expect(books.rebuilds).toBeGreaterThan(1);
    },
    RACE_MS_MAX,
  );

  it(
    'counts every accepted order that a power failure took from the end of the log',
    async () => {
      const books = await raceThrough(system, (race) =>
        whileNothingIsStored(race, () => restartOn(() => system.files.cutLog(system.files.logBytes - 5_000))),
      );

      expectHealed(books);
      expectNamed(books);
    },
    RACE_MS_MAX,
  );

  it.each([
    ['of the race', (bytesBefore: number, bytes: number) => randomInt(bytesBefore, bytes)],
    ['of all that Redis ever did', (_: number, bytes: number) => randomInt(0, bytes)],
  ])(
    'goes on when the log is cut at any byte %s',
    async (_, choose) => {
      let cut = 0;
      const bytesBefore = system.files.logBytes;
      const books = await raceThrough(system, () =>
        restartOn(() => {
          cut = choose(bytesBefore, system.files.logBytes);
          system.files.cutLog(cut);
        }),
      );

      expect({ cut, violations: books.violations }).toEqual({ cut, violations: [] });
      expectHealed(books);
    },
    RACE_MS_MAX,
  );
});
