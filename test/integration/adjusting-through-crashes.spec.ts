import fc from 'fast-check';
import { GIVE_UP_AFTER_MS, holds } from '../properties/runs.js';
import type { Corner } from '../support/corner.js';
import { OwnRedis } from '../support/own-redis.js';
import { STOCK, StockInACorner } from '../support/stock-in-a-corner.js';

describe('adjusting the stock of a sale', () => {
  let ownRedis: OwnRedis;
  let corner: Corner;
  let there: StockInACorner;
  beforeAll(async () => (ownRedis = await OwnRedis.start()));
  beforeEach(async () => (there = new StockInACorner((corner = await ownRedis.openCorner()))));
  afterEach(() => corner.close());
  afterAll(() => ownRedis.stop());

  describe.each([
    ['a raise', 5, 15],
    ['a lowering', -5, 5],
  ])('after a crash in %s', (_, delta, total) => {
    it.each<[string, 'before' | 'after']>([
      ['before its script', 'before'],
      ['after its script', 'after'],
    ])('%s, is finished once, by a pass or by the same key', async (__, place) => {
      for (const finish of ['pass', 'key']) {
        const saleId = await there.aSaleWith(2);
        there.dieAt(place);
        await expect(there.adjust(saleId, delta, 'same')).rejects.toThrow('killed');
        expect(await there.rows(saleId)).toMatchObject([{ state: 'pending' }]);

        if (finish === 'pass') expect(await there.adjustments().runOnce()).toBe(1);
        expect(await there.adjust(saleId, delta, 'same')).toMatchObject({ is: 'done', isRepeated: true });

        expect(await there.adjustments().runOnce()).toBe(0);
        await there.expectBooks(saleId, { total, held: 2 });
      }
    });

    it('after its record, is told to Redis by the guard', async () => {
      const saleId = await there.aSaleWith(2);
      jest.spyOn(corner.stream, 'acknowledge').mockRejectedValueOnce(new Error('killed'));
      await there.adjust(saleId, delta);
      expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 2 });
      await corner.guard().runOnce();
      await there.expectBooks(saleId, { total, held: 2 });
    });

    it.each<[string, 'before' | 'after', () => Promise<unknown>]>([
      ['a rebuild before its script', 'before', () => there.rebuild()],
      ['a rebuild after its script', 'after', () => there.rebuild()],
      ['two rebuilds after its script', 'after', () => there.rebuild().then(() => there.rebuild())],
      [
        'an emptied Redis after its script',
        'after',
        () => corner.redis.flushall().then(() => corner.guard().runOnce()),
      ],
      [
        'a restarted Redis after its script',
        'after',
        () => ownRedis.restart(corner).then(() => corner.guard().runOnce()),
      ],
    ])('and %s, is applied once', async (__, place, harm) => {
      const saleId = await there.aSaleWith(2);
      there.dieAt(place);
      await expect(there.adjust(saleId, delta, 'same')).rejects.toThrow('killed');
      await harm();
      await expect(there.adjust(saleId, delta, 'same')).resolves.toMatchObject({ is: 'done' });
      await there.expectBooks(saleId, { total, held: 2 });
      await there.rebuild();
      await there.expectBooks(saleId, { total, held: 2 });
    });

    it.each<[string, () => Promise<unknown>]>([
      ['the lane was rebuilt', () => there.rebuild()],
      ['the lane was taken over', () => ownRedis.restart(corner).then(() => corner.guard().runOnce())],
    ])('and paused with its answer until %s, records nothing that is not so any more', async (__, harm) => {
      const saleId = await there.aSaleWith(2);
      there.pauseUntil(harm);
      expect(await there.adjust(saleId, delta, 'same')).toEqual({ is: 'pending' });
      expect(await there.adjust(saleId, delta, 'same')).toMatchObject({ is: 'done' });
      await there.expectBooks(saleId, { total, held: 2 });
    });
  });

  it('records a refusal only in the epoch of its script: after a rebuild units may be free', async () => {
    const saleId = await there.aSaleWith(6);
    there.pauseUntil(async ({ outcome }) => {
      expect(outcome).toBe('REFUSED');
      const [first] = await corner.rows(saleId);
      await corner.expire(saleId, first?.orderId ?? '');
      await there.rebuild();
      expect(await corner.stock.adjust(corner.lane, saleId, { number: 1, delta: -5 })).toMatchObject({
        outcome: 'ADJUSTED',
      });
    });
    expect(await there.adjust(saleId, -5, 'same')).toEqual({ is: 'pending' });
    expect(await there.adjust(saleId, -5, 'same')).toMatchObject({ is: 'done' });
    await there.expectBooks(saleId, { total: 5, held: 5 });
  });

  it('keeps a refused number refused after a rebuild', async () => {
    const saleId = await there.aSaleWith(8);
    await there.adjust(saleId, -3);
    await there.rebuild();
    expect(await corner.stock.adjust(corner.lane, saleId, { number: 1, delta: -3 })).toMatchObject({
      outcome: 'REFUSED',
    });
    expect(await there.adjust(saleId, -2)).toMatchObject({ is: 'done', adjustment: { number: 2 } });
    await there.expectBooks(saleId, { total: 8, held: 8 });
  });

  it(
    'agrees with the sum of what it answered, whatever happened between',
    async () => {
      const does: Record<string, (saleId: string) => Promise<unknown>> = {
        sells: (saleId) => corner.reserve(saleId, 2),
        stores: () => corner.worker(undefined, { staleAfterMs: 0 }).runOnce(),
        rebuilds: () => there.rebuild(),
        finishes: () => there.adjustments().runOnce(),
        'gives back': async (saleId) => {
          const [oldest] = (await corner.rows(saleId)).filter(({ status }) => status === 'pending_payment');
          if (oldest) await corner.expire(saleId, oldest.orderId);
          await corner.giveBack.runOnce();
        },
      };
      const dies = fc.constantFrom('before', 'after', 'never');
      const delta = fc.integer({ min: -6, max: 6 }).filter((units) => units !== 0);
      const step = fc.oneof(fc.record({ dies, delta }), fc.constantFrom(...Object.keys(does)));
      const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), async (steps) => {
        const saleId = await there.aSaleWith(0);
        for (const taken of steps) {
          if (typeof taken === 'string') {
            await does[taken]?.(saleId);
            continue;
          }
          if (taken.dies !== 'never') there.dieAt(taken.dies);
          await there.adjust(saleId, taken.delta).catch(() => undefined);
          jest.restoreAllMocks();
        }
        await there.adjustments().runOnce();
        await corner.worker(undefined, { staleAfterMs: 0 }).runOnce();
        await corner.giveBack.runOnce();
        const done = (await there.rows(saleId)).filter(({ state }) => state === 'done');
        const total = done.reduce((sum, { delta }) => sum + delta, STOCK);
        expect((await there.rows(saleId)).filter(({ state }) => state === 'pending')).toEqual([]);
        expect(await corner.audit(saleId)).toMatchObject({
          consistent: true,
          quiescent: true,
          redis: { total },
          postgres: { total },
          deadLettersOpen: 0,
        });
      });
      await holds(property, 25);
    },
    GIVE_UP_AFTER_MS,
  );
});
