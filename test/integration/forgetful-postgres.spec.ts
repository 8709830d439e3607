import type { Corner } from '../support/corner.js';
import { OwnRedis } from '../support/own-redis.js';

/** As a promoted replica is: Postgres goes on from an earlier moment, while Redis has gone further. */
describe('a Postgres that went back', () => {
  let ownRedis: OwnRedis;
  let corner: Corner;
  beforeAll(async () => (ownRedis = await OwnRedis.start()));
  beforeEach(async () => (corner = await ownRedis.openCorner()));
  afterEach(() => corner.close());
  afterAll(() => ownRedis.stop());

  /** The rows of this lane as they are now. @returns puts them back. */
  async function remember(saleId: string): Promise<() => Promise<void>> {
    const { pool, lane } = corner;
    const kept = `kept_${lane}`;
    for (const table of ['lanes', 'sale_lanes', 'orders']) {
      await pool.query(`CREATE TABLE ${kept}_${table} AS SELECT * FROM ${table} WHERE lane = ${lane}`);
    }
    return async () => {
      await pool.query('DELETE FROM orders WHERE sale_id = $1', [saleId]);
      await pool.query('DELETE FROM sale_lanes WHERE sale_id = $1', [saleId]);
      await pool.query('DELETE FROM lanes WHERE lane = $1', [lane]);
      for (const table of ['lanes', 'sale_lanes', 'orders']) {
        await pool.query(`INSERT INTO ${table} SELECT * FROM ${kept}_${table}`);
        await pool.query(`DROP TABLE ${kept}_${table}`);
      }
    };
  }

  const rows = async (saleId: string) => {
    const found = await corner.rows(saleId);
    return found.map(({ orderId, status }) => ({ orderId, status }));
  };
  const expectHealed = async (saleId: string, held: number) => {
    expect(await corner.guard().runOnce()).toBe(0);
    expect(await corner.audit(saleId)).toMatchObject({
      consistent: true,
      quiescent: true,
      redis: { held },
      postgres: { toGiveBack: 0 },
    });
    expect(await corner.deadLetters()).toEqual([]);
  };

  it('is noticed by what Redis knows to be recorded, and gets its orders again from their buyers', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 1);
    await corner.worker().runOnce();
    const goBack = await remember(saleId);
    await corner.reserve(saleId, 3);
    await corner.worker().runOnce();
    const before = await rows(saleId);
    await goBack();
    expect(await corner.rows(saleId)).toHaveLength(1);

    expect(await corner.guard().runOnce()).toBe(1);

    expect(await rows(saleId)).toEqual(before);
    await expectHealed(saleId, 4);
  });

  it('stores nothing more until it is healed, or new orders would hide what it has forgotten', async () => {
    const saleId = await corner.sale();
    const goBack = await remember(saleId);
    await corner.reserve(saleId, 3);
    await corner.worker().runOnce();
    await goBack();
    await corner.reserve(saleId, 4);

    await expect(corner.worker().runOnce()).rejects.toThrow('went back');

    expect(await corner.guard().runOnce()).toBe(1);
    expect(await corner.rows(saleId)).toHaveLength(7);
    await expectHealed(saleId, 7);
  });

  it('finishes an order again that it had finished, and keeps the one that got its unit', async () => {
    const saleId = await corner.sale({ stock: 1 });
    await corner.reserve(saleId, 1);
    await corner.worker().runOnce();
    const [first] = await corner.rows(saleId);
    const goBack = await remember(saleId);
    await corner.expire(saleId, first?.orderId ?? '');
    await corner.giveBack.runOnce();
    await corner.reserve(saleId, 1);
    await corner.worker().runOnce();
    const before = await rows(saleId);
    await goBack();

    expect(await corner.guard().runOnce()).toBe(1);

    expect(await rows(saleId)).toEqual(before);
    await expectHealed(saleId, 1);
  });

  it('gets an order again that it never knew, also when its units are back already', async () => {
    const saleId = await corner.sale({ stock: 1 });
    const goBack = await remember(saleId);
    await corner.reserve(saleId, 1);
    await corner.worker().runOnce();
    const [first] = await corner.rows(saleId);
    await corner.expire(saleId, first?.orderId ?? '');
    await corner.giveBack.runOnce();
    await corner.reserve(saleId, 1);
    await corner.worker().runOnce();
    const before = await rows(saleId);
    await goBack();

    expect(await corner.guard().runOnce()).toBe(1);

    expect(await rows(saleId)).toEqual(before);
    await expectHealed(saleId, 1);
  });

  it('goes on after the epoch that it has forgotten, with every order of it, though a worker met them first', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 2);
    await corner.worker().runOnce();
    const goBack = await remember(saleId);
    await corner.redis.flushall();
    await corner.guard().runOnce();
    await corner.reserve(saleId, 2);
    await corner.worker().runOnce();
    await corner.reserve(saleId, 1);
    await goBack();
    await expect(corner.worker().runOnce()).rejects.toThrow('is not stored in epoch 1');

    expect(await corner.guard().runOnce()).toBe(1);

    expect(await corner.gate.read(corner.lane)).toMatchObject({ state: 'open', epoch: 3 });
    expect(await corner.rows(saleId)).toHaveLength(5);
    await expectHealed(saleId, 5);
  });

  it('gets the orders again of a sale of which it has forgotten that it was loaded', async () => {
    const saleId = await corner.unloadedSale();
    const goBack = await remember(saleId);
    await corner.loader.push(saleId);
    await corner.reserve(saleId, 3);
    await corner.worker().runOnce();
    await goBack();

    expect(await corner.guard().runOnce()).toBe(1);

    expect(await corner.rows(saleId)).toHaveLength(3);
    await expectHealed(saleId, 3);
  });

  it('sells nothing of a sale that it has never heard of, and deletes nothing of it', async () => {
    const known = await corner.sale();
    const saleId = await corner.sale();
    await corner.reserve(saleId, 2);
    await corner.pool.query('DELETE FROM sales WHERE sale_id = $1', [saleId]);
    await corner.pool.query('DELETE FROM sale_lanes WHERE sale_id = $1', [saleId]);
    await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);

    expect(await corner.guard().runOnce()).toBe(1);

    await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'UNAVAILABLE' }]);
    await expect(corner.reserve(known, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    expect(await corner.redis.hlen(corner.saleKeys(saleId).asideBuyers)).toBe(2);
    expect(await corner.deadLetters()).toMatchObject([{ reason: 'orphan' }, { reason: 'orphan' }]);
  });
});
