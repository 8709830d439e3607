import { v7 as uuidv7 } from 'uuid';
import { aRequest, type Corner } from '../support/corner.js';
import { hold } from '../support/hold.js';
import { OwnRedis } from '../support/own-redis.js';

describe('rebuilding a lane', () => {
  let ownRedis: OwnRedis;
  let corner: Corner;
  beforeAll(async () => (ownRedis = await OwnRedis.start()));
  beforeEach(async () => (corner = await ownRedis.openCorner()));
  afterEach(() => corner.close());
  afterAll(() => ownRedis.stop());

  const look = () => corner.guard().runOnce();
  const laneInRedis = () => corner.gate.read(corner.lane);

  async function aSale({ stored, unstored = 0 }: { stored: number; unstored?: number }): Promise<string> {
    const saleId = await corner.sale({ stock: 10 });
    if (stored > 0) await corner.reserve(saleId, stored);
    await corner.worker().runOnce();
    if (unstored > 0) await corner.reserve(saleId, unstored);
    return saleId;
  }

  /** The lane decides again, in that epoch, and all books agree that so many units are held. */
  async function expectHealed(saleId: string, { epoch, held }: { epoch: number; held: number }): Promise<void> {
    const { state, epoch: inRedis, lost } = await laneInRedis();
    expect({ state, epoch: inRedis, lost }).toEqual({ state: 'open', epoch, lost: undefined });
    expect(await look()).toBe(0);
    expect(await corner.audit(saleId)).toMatchObject({
      consistent: true,
      quiescent: true,
      differences: [],
      redis: { total: 10, available: 10 - held, held },
    });
  }

  const lastRebuild = async () => {
    const { rows } = await corner.pool.query<{ because: string; lost: number; orders: number; givenBack: number }>(
      `SELECT because, lost, orders, given_back AS "givenBack" FROM rebuilds
       WHERE lane = $1 AND opened_at IS NOT NULL ORDER BY epoch DESC LIMIT 1`,
      [corner.lane],
    );
    return rows[0];
  };

  describe('happens by itself', () => {
    it.each<[string, RegExp, (saleId: string) => Promise<unknown>]>([
      ['Redis was emptied', /^Redis has no such lane/, () => corner.redis.flushall()],
      [
        'a sale is missing that was loaded',
        /^Redis has lost 1 sales/,
        (id) => corner.redis.del(corner.saleKeys(id).sale),
      ],
      [
        'Redis and Postgres are in different epochs',
        /^Redis is in epoch 1, Postgres in 2$/,
        () => corner.pool.query('UPDATE lanes SET epoch = 2 WHERE lane = $1', [corner.lane]),
      ],
      [
        'an operator asks for it',
        /^operator asked for a rebuild$/,
        () =>
          corner.pool.query(`UPDATE lanes SET rebuild_asked = 'operator asked for a rebuild' WHERE lane = $1`, [
            corner.lane,
          ]),
      ],
    ])('when %s', async (_, because, harm) => {
      const saleId = await aSale({ stored: 3 });
      await harm(saleId);

      expect(await look()).toBe(1);

      const { epoch } = await laneInRedis();
      expect(epoch).toBeGreaterThan(1);
      await expectHealed(saleId, { epoch, held: 3 });
      expect(await lastRebuild()).toMatchObject({ because: expect.stringMatching(because) as string, orders: 3 });
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });

    it('when a restarted Redis is behind Postgres', async () => {
      const saleId = await aSale({ stored: 3 });
      await ownRedis.restart(corner);
      await corner.redis.hincrby(corner.keys.state, 'version', -1);
      expect(await look()).toBe(1);
      await expectHealed(saleId, { epoch: 2, held: 3 });
    });

    it('when a process was answered more than Redis knows, and counts what is gone', async () => {
      const saleId = await aSale({ stored: 0, unstored: 3 });
      await corner.redis.flushall();
      await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'UNAVAILABLE' }]);

      expect(await look()).toBe(1);

      await expectHealed(saleId, { epoch: 2, held: 0 });
      expect(await lastRebuild()).toMatchObject({
        lost: 3,
        because: 'Redis has lost decisions up to version 1000000000003',
      });
    });

    it('only once when several guards look at the same time', async () => {
      const saleId = await aSale({ stored: 3 });
      await corner.redis.flushall();
      const changes = await Promise.all(Array.from({ length: 6 }, look));
      expect(changes.filter((changed) => changed === 1)).toHaveLength(1);
      await expectHealed(saleId, { epoch: 2, held: 3 });
    });

    it('but not to the Redis of another Postgres, unless it is asked for', async () => {
      await corner.redis.hset(corner.keys.state, 'epoch', 7, 'version', 7e12 + 5);
      expect(await look()).toBe(0);
      expect(await laneInRedis()).toMatchObject({ epoch: 7, version: 7e12 + 5 });

      await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'ours now' WHERE lane = $1`, [corner.lane]);
      expect(await look()).toBe(1);
      await expectHealed(await aSale({ stored: 1 }), { epoch: 8, held: 1 });
    });
  });

  describe('keeps', () => {
    const ask = () => corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);

    it('every order that was still in the stream, also those that a paused worker holds', async () => {
      const saleId = await aSale({ stored: 1, unstored: 2 });
      const worker = corner.worker();
      const held = hold(corner.ledger, 'settle');
      const storing = worker.runOnce();
      await held.isReached;
      await corner.reserve(saleId, 2);
      await ask();
      expect(await look()).toBe(1);

      held.release();
      await storing;

      await expectHealed(saleId, { epoch: 2, held: 5 });
      expect(await corner.rows(saleId)).toHaveLength(5);
      expect(await corner.deadLetters()).toEqual([]);
      expect(await lastRebuild()).toMatchObject({ lost: 0 });
    });

    it('every order that only its buyer knows: its entry, or the whole stream, is gone', async () => {
      const saleId = await aSale({ stored: 1, unstored: 3 });
      await corner.redis.del(corner.keys.orders);
      await ask();
      expect(await look()).toBe(1);
      await expectHealed(saleId, { epoch: 2, held: 4 });
      expect(await corner.rows(saleId)).toHaveLength(4);
    });

    it('the answer to every key, word for word, also of released orders', async () => {
      const saleId = await corner.sale({ stock: 10, perUserLimit: 3 });
      const requests = [aRequest({ quantity: 2 }), aRequest({ buyer: 'ann' }), aRequest({ buyer: 'ann' })];
      const before = await corner.stock.reserve(corner.lane, saleId, { requests });
      await corner.worker().runOnce();
      await corner.expire(saleId, requests[1]?.orderId ?? '');
      await corner.redis.flushall();
      await look();

      const again = requests.map((request) => ({ ...request, orderId: uuidv7() }));
      const after = await corner.stock.reserve(corner.lane, saleId, { requests: again });

      expect(after).toEqual(before.map((decision) => ({ ...decision, outcome: 'REPEATED' })));
      await expectHealed(saleId, { epoch: 2, held: 3 });
    });

    it('a sale as it is configured, and one that was announced and not yet confirmed', async () => {
      const paused = await corner.sale();
      await corner.pool.query('UPDATE sales SET paused = true, config_version = 2 WHERE sale_id = $1', [paused]);
      const announced = await corner.unloadedSale();
      await corner.pool.query('UPDATE sale_lanes SET loaded_epoch = 1 WHERE sale_id = $1', [announced]);
      await corner.redis.flushall();

      await look();
      await corner.loader.runOnce();

      await expect(corner.reserve(paused, 1)).resolves.toEqual([{ outcome: 'PAUSED' }]);
      await expect(corner.reserve(announced, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
      await corner.worker().runOnce();
      await expectHealed(announced, { epoch: 2, held: 1 });
    });
  });

  it('ends between two steps when its process stops, and is begun anew by the next guard', async () => {
    const saleId = await aSale({ stored: 3 });
    await corner.redis.flushall();
    await expect(corner.guard().runOnce(AbortSignal.abort(new Error('the process stops')))).rejects.toThrow('stops');
    expect(await laneInRedis()).toMatchObject({ state: 'closed' });
    expect(await look()).toBe(1);
    await expectHealed(saleId, { epoch: 2, held: 3 });
  });

  it('does not count as lost what an operator is asked about', async () => {
    const saleId = await aSale({ stored: 3 });
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'available', 8);
    await corner.reserve(saleId, 8);
    await corner.worker().runOnce();
    expect(await corner.deadLetters()).toHaveLength(1);
    await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);

    expect(await look()).toBe(1);

    expect(await lastRebuild()).toMatchObject({ lost: 0, orders: 10 });
    expect(await corner.audit(saleId)).toMatchObject({ consistent: true, deadLettersOpen: 1, redis: { available: 0 } });
  });

  describe('gives back', () => {
    it('units of finished orders once: what the lost Redis had sold again is neither lost nor sold twice', async () => {
      const saleId = await aSale({ stored: 10 });
      const [first] = await corner.rows(saleId);
      await corner.expire(saleId, first?.orderId ?? '');
      await corner.stock.release(corner.lane, saleId, [{ buyer: first?.buyer ?? '', orderId: first?.orderId ?? '' }]);
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
      await corner.worker().runOnce();
      await corner.redis.flushall();

      expect(await look()).toBe(1);

      await expectHealed(saleId, { epoch: 2, held: 10 });
      expect(await lastRebuild()).toMatchObject({ givenBack: 1 });
      expect(await corner.giveBack.runOnce()).toBe(0);
    });

    it('an order that finishes while the lane is written only afterwards, as any other', async () => {
      const saleId = await aSale({ stored: 3 });
      await corner.redis.flushall();
      const writing = hold(corner.snapshot, 'write');
      const rebuilding = look();
      await writing.isReached;
      const [first] = await corner.rows(saleId);
      await corner.expire(saleId, first?.orderId ?? '');
      expect(await corner.giveBack.runOnce()).toBe(0);
      writing.release();
      await rebuilding;

      await expectHealed(saleId, { epoch: 2, held: 3 });
      expect(await corner.giveBack.runOnce()).toBe(1);
      await expectHealed(saleId, { epoch: 2, held: 2 });
    });
  });

  describe('beside a guard that was paused in the middle of one', () => {
    it.each<[string, () => object, string]>([
      ['close', () => corner.gate, 'close'],
      ['drain', () => corner.drain, 'run'],
      ['write', () => corner.snapshot, 'write'],
      ['open', () => corner.gate, 'open'],
    ])('refuses the older one to %s', async (_, part, method) => {
      const saleId = await aSale({ stored: 3 });
      await corner.redis.flushall();
      const held = hold(part(), method);
      const paused = look();
      await held.isReached;
      await corner.overtake();
      const { epoch } = await laneInRedis();
      await corner.reserve(saleId, 2);

      held.release();

      await expect(paused).rejects.toThrow();
      await corner.worker().runOnce();
      await expectHealed(saleId, { epoch, held: 5 });
    });

    it('stores nothing that it has read from buyers once another epoch has begun', async () => {
      const saleId = await aSale({ stored: 1, unstored: 2 });
      await corner.redis.del(corner.keys.orders);
      await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);
      const storing = hold(corner.ledger, 'storeAgain');
      const paused = look();
      await storing.isReached;
      await corner.redis.flushall();
      await corner.overtake();

      storing.release();

      await expect(paused).rejects.toThrow();
      await expectHealed(saleId, { epoch: 2, held: 1 });
    });

    it('reads no buyers of a Redis that was restarted meanwhile', async () => {
      const saleId = await aSale({ stored: 1, unstored: 2 });
      await corner.redis.del(corner.keys.orders);
      await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);
      const reading = hold(corner.catchUp, 'run');
      const paused = look();
      await reading.isReached;
      await ownRedis.restart(corner);

      reading.release();

      await expect(paused).rejects.toThrow(/is not on Redis \w+ any more/);
      await corner.overtake();
      await expectHealed(saleId, { epoch: 2, held: 3 });
    });
  });
});
