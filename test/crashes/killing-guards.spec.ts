import { readFileSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { inRedis } from '../support/stores.js';
import { TestSystem } from '../support/system.js';
import { askForRebuild, isLaneOpen } from './lane-under-fault.js';
import { raceThrough } from './true-books.js';

const RACE_MS_MAX = 90_000;
const OPEN_WITHIN_MS = 20_000;

/** Every place between two writes of a rebuild, in its order. */
const STEPS = [...readFileSync('src/guard/lane-rebuild.ts', 'utf8').matchAll(/failpoint\('(.+)'\)/g)].map(
  ([, step = '']) => step,
);

describe('a race during which the guard dies while it rebuilds the lane', () => {
  let system: TestSystem;
  beforeAll(
    async () => (system = await TestSystem.start({ PERSIST_CLAIM_AFTER_MS: '2000', STATEMENT_TIMEOUT_MS: '1000' })),
    60_000,
  );
  afterAll(() => system.close());

  /** The lane is open before: a guard that is to die while it rebuilds the lane must not find it closed. */
  const armWorker = async (step: string) => {
    if (system.pidOf('worker') === undefined) await system.startPart('worker');
    await eventually(() => isLaneOpen(system), { withinMs: OPEN_WITHIN_MS });
    await system.killPart('worker');
    await system.startPart('worker', { FAILPOINTS: step });
  };

  it('knows every step', () => expect(STEPS.length).toBeGreaterThanOrEqual(7));

  it.each(STEPS)(
    'loses nothing when it dies at %s of a rebuild that was asked for',
    async (step) => {
      await armWorker(step);
      const books = await raceThrough(system, async ({ saleId }) => {
        await askForRebuild(system, saleId);
        expect(await system.untilEnded('worker')).toEqual({ code: null, signal: 'SIGKILL' });
        await system.startPart('worker');
      });

      expect(books).toMatchObject({ violations: [], lost: [], named: 0 });
      expect(books.rebuilds).toBeGreaterThan(0);
    },
    RACE_MS_MAX,
  );

  it.each(['rebuild-drained', 'rebuild-written'])(
    'goes on when it dies at %s, and FLUSHALL takes what it has done so far',
    async (step) => {
      await armWorker(step);
      const books = await raceThrough(system, async (race) => {
        await askForRebuild(system, race.saleId);
        expect(await system.untilEnded('worker')).toEqual({ code: null, signal: 'SIGKILL' });
        await inRedis(system.redisUrl, (redis) => redis.flushall());
        await system.startPart('worker');
      });

      expect(books.violations).toEqual([]);
      expect(books.lost.length).toBeLessThanOrEqual(books.named);
    },
    RACE_MS_MAX,
  );
});
