import { aRequest, Corner } from '../support/corner.js';

describe('giving the units of finished orders back', () => {
  let corner: Corner;
  let saleId: string;
  const buyers = ['ann', 'bob', 'cid'].map((buyer) => aRequest({ buyer, quantity: 2 }));
  beforeEach(async () => {
    corner = await Corner.open();
    saleId = await corner.sale({ stock: 6 });
    await corner.stock.reserve(corner.lane, saleId, { requests: buyers });
    await corner.worker().runOnce();
  });
  afterEach(() => corner.close());

  const expire = (nth: number) => corner.expire(saleId, buyers[nth]?.orderId ?? '');
  const releases = async () => {
    const { rows } = await corner.pool.query<{ released: number | null }>(
      'SELECT released_version AS released FROM orders WHERE sale_id = $1 ORDER BY version',
      [saleId],
    );
    return rows.map(({ released }) => released);
  };
  const expectBooks = async (books: { available: number; givenBack: number }) => {
    const { available, givenBack } = books;
    expect(await corner.audit(saleId)).toMatchObject({
      consistent: true,
      quiescent: true,
      redis: { total: 6, available, held: 6 - available },
      postgres: { toGiveBack: 0, givenBack },
    });
  };

  it('puts them on sale again, and has it on record', async () => {
    await expire(0);
    await expire(2);

    expect(await corner.giveBack.runOnce()).toBe(2);

    expect((await releases()).sort()).toEqual([1e12 + 4, 1e12 + 5, null].sort());
    await expectBooks({ available: 4, givenBack: 4 });
    expect(await corner.giveBack.runOnce()).toBe(0);
    await expect(corner.reserve(saleId, 4)).resolves.toMatchObject(Array(4).fill({ outcome: 'ACCEPTED' }));
    await corner.worker().runOnce();
    await expectBooks({ available: 0, givenBack: 4 });
  });

  it('gives nothing back of an order that waits for its payment', async () => {
    expect(await corner.giveBack.runOnce()).toBe(0);
    await expectBooks({ available: 0, givenBack: 0 });
  });

  it('gives them back once when the process dies after Redis has put them on sale', async () => {
    await expire(0);
    await corner.stock.release(corner.lane, saleId, [{ buyer: 'ann', orderId: buyers[0]?.orderId ?? '' }]);

    expect(await corner.giveBack.runOnce()).toBe(1);

    expect(await releases()).toEqual([1e12 + 4, null, null]);
    await expectBooks({ available: 2, givenBack: 2 });
  });

  it('gives them back once when two processes do it at the same time', async () => {
    await expire(0);
    await expire(1);
    const done = await Promise.all(Array.from({ length: 5 }, () => corner.giveBack.runOnce()));
    expect(done.reduce((sum, count) => sum + count)).toBe(2);
    await expectBooks({ available: 4, givenBack: 4 });
  });

  it('gives them back once when the lane is rebuilt between the two writes', async () => {
    await expire(0);
    const release = corner.stock.release.bind(corner.stock);
    jest.spyOn(corner.stock, 'release').mockImplementationOnce(async (...orders) => {
      const released = await release(...orders);
      await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);
      expect(await corner.guard().runOnce()).toBe(1);
      return released;
    });

    expect(await corner.giveBack.runOnce()).toBe(0);

    await expectBooks({ available: 2, givenBack: 2 });
    expect(await corner.giveBack.runOnce()).toBe(0);
  });

  it('waits while the lane is closed', async () => {
    await expire(0);
    await corner.redis.hset(corner.keys.state, 'state', 'closed');
    expect(await corner.giveBack.runOnce()).toBe(0);
    expect(await releases()).toEqual([null, null, null]);
  });

  it('closes the lane rather than give back what a Redis that lost its tail does not know to be taken', async () => {
    await expire(0);
    await corner.redis.hincrby(corner.keys.state, 'version', -1);
    expect(await corner.giveBack.runOnce()).toBe(0);
    expect(await corner.gate.read(corner.lane)).toMatchObject({ state: 'closed', lost: 1e12 + 3 });
  });

  it('takes an order that Redis does not know for a difference, gives the others back, and the audit names it', async () => {
    await expire(0);
    await expire(1);
    await corner.redis.hdel(corner.saleKeys(saleId).buyers, 'ann');

    expect(await corner.giveBack.runOnce()).toBe(1);

    expect(await releases()).toEqual([null, 1e12 + 4, null]);
    expect((await corner.audit(saleId)).differences).toContainEqual(
      expect.objectContaining({ kind: 'order-not-in-redis', orderId: buyers[0]?.orderId }),
    );
  });

  it.each([
    ['has other orders', [aRequest({ buyer: 'dan' }), aRequest({ buyer: 'dan' }), aRequest({ buyer: 'dan' })], 1],
    ['has no other', [aRequest({ buyer: 'dan' })], 0],
  ])('leaves the record of a buyer who %s as the reserve script reads it', async (_, requests, nth) => {
    const other = await corner.sale({ stock: 6, perUserLimit: 3 });
    await corner.stock.reserve(corner.lane, other, { requests });
    await corner.worker().runOnce();
    const { orderId } = requests[nth] as (typeof requests)[0];
    await corner.expire(other, orderId);

    expect(await corner.giveBack.runOnce()).toBe(1);

    const again = await corner.stock.reserve(corner.lane, other, { requests });
    expect(again).toMatchObject(requests.map((request) => ({ outcome: 'REPEATED', orderId: request.orderId })));
    for await (const page of corner.stock.scanBuyers(corner.lane, other)) {
      expect(page).toMatchObject([{ buyer: 'dan', held: requests.length - 1 }]);
    }
  });
});
