import { pino } from 'pino';
import { SaleLoader } from '../../src/sales/sale-loader.js';
import { Stock } from '../../src/stock/stock.js';
import { Corner } from '../support/corner.js';
import { hold } from '../support/hold.js';

describe('loading sales', () => {
  let corner: Corner;
  beforeEach(async () => (corner = await Corner.open()));
  afterEach(() => corner.close());

  const counters = (saleId: string) => corner.stock.counters(corner.lane, saleId);

  async function onRecord(saleId: string): Promise<{ announcedIn: number | null; isConfirmed: boolean } | undefined> {
    const { rows } = await corner.pool.query<{ announcedIn: number | null; isConfirmed: boolean }>(
      `SELECT loaded_epoch AS "announcedIn", loaded_at IS NOT NULL AS "isConfirmed" FROM sale_lanes WHERE sale_id = $1`,
      [saleId],
    );
    return rows[0];
  }

  /** A loader that has announced a sale and dies before, or right after, it reached Redis. */
  async function announceAndDie(saleId: string, { method }: { method: 'load' | 'confirm' }): Promise<void> {
    const target = method === 'load' ? corner.stock : corner.loader;
    const dying = jest.spyOn(target as never, method as never).mockRejectedValueOnce(new Error('killed') as never);
    await expect(corner.loader.push(saleId)).rejects.toThrow('killed');
    dying.mockRestore();
  }

  it('announces a sale, puts all its units on sale, and confirms it', async () => {
    const saleId = await corner.unloadedSale({ stock: 7 });

    expect(await corner.loader.push(saleId)).toBe(true);

    expect(await counters(saleId)).toEqual({ total: 7, available: 7 });
    expect(await onRecord(saleId)).toEqual({ announcedIn: 1, isConfirmed: true });
  });

  it('halts a sale that was paused after it was loaded and before that was confirmed', async () => {
    const saleId = await corner.unloadedSale();
    await announceAndDie(saleId, { method: 'confirm' });
    await corner.pool.query('UPDATE sales SET paused = true, config_version = 2 WHERE sale_id = $1', [saleId]);

    expect(await corner.loader.push(saleId)).toBe(true);

    expect(await corner.reserve(saleId, 1)).toEqual([{ outcome: 'PAUSED' }]);
  });

  it('loads the others when one of them cannot be loaded', async () => {
    const broken = await corner.unloadedSale({ startsInMs: -3_000_000_000_000 });
    const whole = await corner.unloadedSale({ stock: 7 });

    await expect(corner.loader.runOnce()).rejects.toThrow('not an integer >= 0');

    expect(await counters(whole)).toEqual({ total: 7, available: 7 });
    await corner.pool.query('DELETE FROM sale_lanes WHERE sale_id = $1', [broken]);
  });

  it('loads a sale at the next pass when the loader died after it had announced it', async () => {
    const saleId = await corner.unloadedSale({ stock: 7 });
    await announceAndDie(saleId, { method: 'load' });
    expect(await onRecord(saleId)).toEqual({ announcedIn: 1, isConfirmed: false });

    expect(await corner.loader.push(saleId)).toBe(true);

    expect(await counters(saleId)).toEqual({ total: 7, available: 7 });
    expect(await onRecord(saleId)).toEqual({ announcedIn: 1, isConfirmed: true });
  });

  it('keeps what was sold when the loader died after loading, before it confirmed', async () => {
    const saleId = await corner.unloadedSale({ stock: 7 });
    await announceAndDie(saleId, { method: 'confirm' });
    await corner.reserve(saleId, 3);

    expect(await corner.loader.push(saleId)).toBe(true);

    expect(await counters(saleId)).toEqual({ total: 7, available: 4 });
    expect(await onRecord(saleId)).toMatchObject({ isConfirmed: true });
  });

  it('keeps what was sold when a second loader was paused before it loaded', async () => {
    const saleId = await corner.unloadedSale({ stock: 7 });
    const stock = new Stock(corner.redis);
    const loading = hold(stock, 'load');
    const paused = new SaleLoader(corner.pool, stock, pino({ level: 'silent' })).push(saleId);
    await loading.isReached;
    await corner.loader.push(saleId);
    await corner.reserve(saleId, 3);

    loading.release();

    expect(await paused).toBe(true);
    expect(await counters(saleId)).toEqual({ total: 7, available: 4 });
  });

  it('loads a sale once when many loaders push it at the same time', async () => {
    const saleId = await corner.unloadedSale({ stock: 7 });

    const pushed = await Promise.all(Array.from({ length: 8 }, () => corner.loader.push(saleId)));

    expect(pushed).toEqual(Array.from({ length: 8 }, () => true));
    expect(await counters(saleId)).toEqual({ total: 7, available: 7 });
  });

  it('leaves a sale to the guard that was confirmed and is missing, also when its configuration changes', async () => {
    const saleId = await corner.sale();
    await corner.redis.del(corner.saleKeys(saleId).sale);
    await corner.pool.query('UPDATE sales SET paused = true, config_version = 2 WHERE sale_id = $1', [saleId]);

    expect(await corner.loader.push(saleId)).toBe(false);

    expect(await counters(saleId)).toBeUndefined();
    expect(await corner.guard().runOnce()).toBe(1); // a rebuild does
    await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'PAUSED' }]);
  });

  it('refuses a load that was announced in another epoch', async () => {
    const saleId = await corner.unloadedSale();
    await announceAndDie(saleId, { method: 'load' });
    const { serverRunId: runId } = await corner.gate.read(corner.lane);
    await corner.gate.close(corner.lane, 10, 'rebuilt');
    await corner.gate.open(corner.lane, 10, { epoch: 2, runId });
    await corner.pool.query('UPDATE lanes SET epoch = 2, guard_token = 10 WHERE lane = $1', [corner.lane]);

    expect(await corner.loader.push(saleId)).toBe(false);

    expect(await counters(saleId)).toBeUndefined();
    expect(await onRecord(saleId)).toEqual({ announcedIn: 1, isConfirmed: false });
  });

  it('writes nothing into a closed lane, and loads the sale once it is open', async () => {
    const saleId = await corner.unloadedSale();
    const { serverRunId: runId } = await corner.gate.read(corner.lane);
    await corner.gate.close(corner.lane, 10, 'by hand');

    expect(await corner.loader.push(saleId)).toBe(false);
    expect(await counters(saleId)).toBeUndefined();

    await corner.gate.open(corner.lane, 10, { epoch: 1, runId });
    expect(await corner.loader.push(saleId)).toBe(true);
  });

  it('does not announce a sale to a lane that was never opened', async () => {
    await corner.pool.query('UPDATE lanes SET run_id = NULL WHERE lane = $1', [corner.lane]);
    const saleId = await corner.unloadedSale();

    expect(await corner.loader.push(saleId)).toBe(false);

    expect(await onRecord(saleId)).toEqual({ announcedIn: null, isConfirmed: false });
    expect(await counters(saleId)).toBeUndefined();
  });

  it('brings a changed configuration into the lane, and an older one never after it', async () => {
    const saleId = await corner.sale();
    await corner.pool.query('UPDATE sales SET paused = true, config_version = 2 WHERE sale_id = $1', [saleId]);
    const late = hold(corner.stock, 'configure');
    const older = corner.loader.push(saleId);
    await late.isReached;
    await corner.pool.query('UPDATE sales SET paused = false, config_version = 3 WHERE sale_id = $1', [saleId]);
    expect(await corner.loader.push(saleId)).toBe(true);

    late.release();
    await older;

    await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
  });
});
