import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/system.js';
import { isLaneOpen, moreAccepted, moreResent, rebuildOnWish, storedOf } from './lane-under-fault.js';
import { raceThrough } from './true-books.js';

const RACE_MS_MAX = 90_000;
const SETTLED_WITHIN_MS = 20_000;
/** Each of them would open the lane, if anything but Postgres could. */
const ASKED_WHILE_CLOSED = 100;

describe('a race during which Postgres is away or forgets', () => {
  let system: TestSystem;
  beforeAll(
    async () => (system = await TestSystem.start({ PERSIST_CLAIM_AFTER_MS: '2000', STATEMENT_TIMEOUT_MS: '1000' })),
    60_000,
  );
  afterAll(() => system.close());

  it(
    'waits while a restarted Redis cannot be compared with Postgres, and loses nothing',
    async () => {
      const books = await raceThrough(system, async (race) => {
        await system.killPart('postgres');
        await moreAccepted(race, 30);
        await system.killPart('redis');
        await system.startPart('redis');
        const { accepted } = race.progress;
        await moreResent(race, ASKED_WHILE_CLOSED);
        expect(race.progress.accepted).toBe(accepted);
        expect(await isLaneOpen(system)).toBe(false);
        await system.startPart('postgres');
      });

      expect(books).toMatchObject({ violations: [], lost: [], named: 0, rebuilds: 0 });
      expect(books.acceptedAfter).toBeGreaterThan(0);
    },
    RACE_MS_MAX,
  );

  /** As an asynchronous replica does that takes over: all that was committed since is unknown. */
  const setBack = async (copy: string) => {
    await system.killPart('postgres');
    system.files.replace('postgres', copy);
    await system.startPart('postgres');
  };
  const copyPostgres = async () => {
    await system.stopStore('postgres');
    const copy = await system.files.copy('postgres');
    await system.startPart('postgres');
    return copy;
  };

  it(
    'finds every order again that Postgres forgets, with the buyers in Redis',
    async () => {
      let forgotten = 0;
      const books = await raceThrough(system, async (race) => {
        const copy = await copyPostgres();
        const inCopy = await storedOf(system, race.saleId); // or fewer
        await eventually(async () => (await storedOf(system, race.saleId)) > inCopy + 50, {
          withinMs: SETTLED_WITHIN_MS,
        });
        forgotten = (await storedOf(system, race.saleId)) - inCopy;
        await setBack(copy);
      });

      expect(forgotten).toBeGreaterThan(0);
      expect(books).toMatchObject({ violations: [], lost: [], named: 0 });
      expect(books.rebuilds).toBeGreaterThan(0);
    },
    RACE_MS_MAX,
  );

  it(
    'finds every order again when Postgres forgets a whole epoch',
    async () => {
      let forgotten = 0;
      const books = await raceThrough(system, async (race) => {
        const copy = await copyPostgres();
        const inCopy = await storedOf(system, race.saleId); // or fewer
        await rebuildOnWish(system, race);
        await moreAccepted(race, 90);
        await eventually(async () => (await storedOf(system, race.saleId)) > inCopy, {
          withinMs: SETTLED_WITHIN_MS,
        });
        forgotten = (await storedOf(system, race.saleId)) - inCopy;
        await setBack(copy);
      });

      expect(forgotten).toBeGreaterThan(0);
      expect(books).toMatchObject({ violations: [], lost: [], named: 0 });
      expect(books.rebuilds).toBeGreaterThan(0);
    },
    RACE_MS_MAX,
  );
});
