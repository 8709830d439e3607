import { pino } from 'pino';
import { RemoveSealedSales } from '../../src/sales/remove-sealed-sales.js';
import { Corner } from '../support/corner.js';

describe('taking sealed sales out of Redis', () => {
  let corner: Corner;
  beforeEach(async () => (corner = await Corner.open()));
  afterEach(() => corner.close());

  const removal = () => new RemoveSealedSales(corner.pool, corner.stock, pino({ level: 'silent' }), 0);

  /** Ended and sealed on record, with one unit held by an order that is stored. */
  async function aSealedSale(): Promise<string> {
    const saleId = await corner.sale({ stock: 3 });
    await corner.reserve(saleId, 1);
    await corner.worker().runOnce();
    await corner.pool.query(
      'UPDATE sales SET ended_at = now(), config_version = config_version + 1 WHERE sale_id = $1',
      [saleId],
    );
    await corner.loader.push(saleId);
    await corner.pool.query("UPDATE sales SET sealed_at = now() - interval '1 second' WHERE sale_id = $1", [saleId]);
    return saleId;
  }

  const inRedis = (saleId: string) => corner.redis.exists(corner.saleKeys(saleId).sale, corner.saleKeys(saleId).buyers);

  async function isNoted(saleId: string): Promise<boolean> {
    const { rowCount } = await corner.pool.query(
      'SELECT FROM sale_lanes WHERE sale_id = $1 AND removed_at IS NOT NULL',
      [saleId],
    );
    return rowCount === 1;
  }

  it('removes its keys and notes it, once', async () => {
    const saleId = await aSealedSale();
    await removal().runOnce();
    expect([await inRedis(saleId), await isNoted(saleId)]).toEqual([0, true]);
  });

  it('leaves it alone while Redis holds other units than Postgres', async () => {
    const saleId = await aSealedSale();
    await corner.redis.hincrby(corner.saleKeys(saleId).sale, 'available', -1);
    await removal().runOnce();
    expect([await inRedis(saleId), await isNoted(saleId)]).toEqual([2, false]);
  });

  it('leaves it alone while it is not ended in Redis', async () => {
    const saleId = await aSealedSale();
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'ended', 0);
    await removal().runOnce();
    expect([await inRedis(saleId), await isNoted(saleId)]).toEqual([2, false]);
  });

  it('leaves it alone while its lane is closed', async () => {
    const saleId = await aSealedSale();
    await corner.redis.hset(corner.keys.state, 'state', 'closed');
    await removal().runOnce();
    expect([await inRedis(saleId), await isNoted(saleId)]).toEqual([2, false]);
  });

  it('does not note it when another epoch has begun between, which may have written it again', async () => {
    const saleId = await aSealedSale();
    const remove = corner.stock.remove.bind(corner.stock);
    jest.spyOn(corner.stock, 'remove').mockImplementation(async (...args) => {
      const removed = await remove(...args);
      await corner.pool.query('UPDATE lanes SET epoch = epoch + 1 WHERE lane = $1', [corner.lane]);
      return removed;
    });
    await removal().runOnce();
    expect(await isNoted(saleId)).toBe(false);
  });
});
