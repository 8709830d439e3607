import { v7 as uuidv7 } from 'uuid';
import type { Adjusted } from '../../src/sales/stock-adjustments.js';
import { Corner } from '../support/corner.js';
import { silent } from '../support/lane-parts.js';
import { STOCK, StockInACorner } from '../support/stock-in-a-corner.js';

describe('adjusting the stock of a sale', () => {
  let corner: Corner;
  let there: StockInACorner;
  beforeEach(async () => (there = new StockInACorner((corner = await Corner.open()))));
  afterEach(() => corner.close());

  it.each([
    ['raises it', 5, 15],
    ['lowers it by units that are free', -7, 3],
    ['lowers it by all that are free', -8, 2],
  ])('%s, on both sides, as one decision of the lane', async (_, delta, total) => {
    const saleId = await there.aSaleWith(2);
    expect(await there.adjust(saleId, delta)).toMatchObject({
      is: 'done',
      isRepeated: false,
      adjustment: { saleId, number: 1, delta, version: 1e12 + 3 },
    });
    expect(await corner.fence()).toMatchObject({ recorded: 3, maxVersion: 1e12 + 3 });
    expect(await corner.gate.read(corner.lane)).toMatchObject({ version: 1e12 + 3, recorded: 3 });
    await there.expectBooks(saleId, { total, held: 2 });
    const { rows: actions } = await corner.pool.query('SELECT actor, action FROM admin_actions WHERE subject = $1', [
      saleId,
    ]);
    expect(actions).toEqual([{ actor: 'ann', action: 'sale.adjust-stock' }]);
  });

  it('takes no unit that a buyer holds, uses its number up, and decides the same key afresh', async () => {
    const saleId = await there.aSaleWith(8);
    expect(await there.adjust(saleId, -3, 'same')).toEqual({ is: 'stock-in-use' });
    await there.expectBooks(saleId, { total: 10, held: 8 });
    expect(await there.adjust(saleId, 1, 'other')).toMatchObject({ is: 'done', adjustment: { number: 2 } });
    expect(await there.adjust(saleId, -3, 'same')).toMatchObject({ is: 'done', adjustment: { number: 3 } });
    expect((await there.rows(saleId)).map(({ state }) => state)).toEqual(['refused', 'done', 'done']);
    await there.expectBooks(saleId, { total: 8, held: 8 });
  });

  it('answers a repeated key as the first time, and refuses it for another number of units', async () => {
    const saleId = await there.aSaleWith(0);
    const first = (await there.adjust(saleId, 5, 'same')) as Adjusted & { is: 'done' };
    await there.adjust(saleId, 1);
    expect(await there.adjust(saleId, 5, 'same')).toEqual({ ...first, isRepeated: true });
    expect(await there.adjust(saleId, 6, 'same')).toEqual({ is: 'key-reused' });
    await there.expectBooks(saleId, { total: 16 });
  });

  it('leaves a total of 0 to 10^9, and knows what is no sale', async () => {
    const saleId = await there.aSaleWith(0);
    expect(await there.adjust(saleId, -11)).toEqual({ is: 'out-of-range' });
    expect(await there.adjust(saleId, 1e9 - 9)).toEqual({ is: 'out-of-range' });
    expect(await there.adjust(saleId, 1e9 - 10)).toMatchObject({ is: 'done' });
    expect(await there.adjust(saleId, -1e9)).toMatchObject({ is: 'done' });
    await there.expectBooks(saleId, { total: 0 });
    expect(await there.adjust(uuidv7(), 1)).toEqual({ is: 'unknown-sale' });
  });

  it('loads a sale first that is not loaded yet, and begins nothing while its lane is closed', async () => {
    const saleId = await corner.unloadedSale({ stock: STOCK });
    await corner.redis.hset(corner.keys.state, 'state', 'closed');
    expect(await there.adjust(saleId, 5)).toEqual({ is: 'not-now' });
    expect(await there.rows(saleId)).toEqual([]);
    await corner.redis.hset(corner.keys.state, 'state', 'open');
    expect(await there.adjust(saleId, 5)).toMatchObject({ is: 'done' });
    await there.expectBooks(saleId, { total: 15 });
  });

  it('keeps what was begun while the lane is closed, and finishes it when it is open again', async () => {
    const saleId = await there.aSaleWith(0);
    await corner.redis.hset(corner.keys.state, 'state', 'closed');
    expect(await there.adjust(saleId, -5, 'same')).toEqual({ is: 'pending' });
    expect(await there.adjustments().runOnce()).toBe(0);
    expect(await there.adjust(saleId, 1)).toEqual({ is: 'not-now' });
    await corner.redis.hset(corner.keys.state, 'state', 'open');
    expect(await there.adjustments().runOnce()).toBe(1);
    expect(await there.adjust(saleId, -5, 'same')).toMatchObject({ is: 'done', isRepeated: true });
    await there.expectBooks(saleId, { total: 5 });
  });

  it.each([
    ['one key at the same time', () => 'same', 1],
    ['many keys at the same time', () => `key-${uuidv7()}`, 6],
  ])('applies %s once each', async (_, key, times) => {
    const saleId = await there.aSaleWith(0);
    const adjusted = await Promise.all(Array.from({ length: 6 }, () => there.adjust(saleId, 2, key())));
    expect(adjusted.map(({ is }) => is)).toEqual(Array(6).fill('done'));
    expect((await there.rows(saleId)).map(({ number }) => number)).toEqual(
      Array.from({ length: times }, (_each, n) => n + 1),
    );
    await there.expectBooks(saleId, { total: STOCK + 2 * times });
  });

  it.each([
    ['takes away', -1],
    ['adds', 1],
  ])('never vetoes an order that Redis accepts while an operator %s units', async (_, sign) => {
    const saleId = await corner.sale({ stock: 30 });
    const selling = Array.from({ length: 10 }, () => corner.reserve(saleId, 3));
    const adjusting = Array.from({ length: 5 }, () => there.adjust(saleId, 3 * sign));
    const storing = Array.from({ length: 5 }, () => corner.worker().runOnce());
    await Promise.all([...selling, ...adjusting, ...storing]);
    await corner.worker(undefined, { staleAfterMs: 0 }).runOnce();
    expect(await corner.deadLetters()).toEqual([]);
    expect(await corner.audit(saleId)).toMatchObject({ consistent: true, quiescent: true });
  });

  it('stays pending, and is named once, when an open lane does not know the adjustments before it', async () => {
    const saleId = await there.aSaleWith(0);
    await there.adjust(saleId, 1);
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'adjustment', 0);
    const errors: unknown[] = [];
    const logger = { ...silent, error: (what: unknown) => errors.push(what) } as unknown as typeof silent;
    const adjustments = there.adjustments(logger);
    expect(await there.adjust(saleId, 1)).toEqual({ is: 'pending' });
    expect([await adjustments.runOnce(), await adjustments.runOnce()]).toEqual([0, 0]);
    expect(errors).toMatchObject([{ saleId, number: 2, outcome: 'MISSING' }]);
  });
});
