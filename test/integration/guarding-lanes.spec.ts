import type { Corner } from '../support/corner.js';
import { hold } from '../support/hold.js';
import { OwnRedis } from '../support/own-redis.js';

describe('guarding lanes', () => {
  let ownRedis: OwnRedis;
  let corner: Corner;
  beforeAll(async () => (ownRedis = await OwnRedis.start()));
  beforeEach(async () => (corner = await ownRedis.openCorner()));
  afterEach(() => corner.close());
  afterAll(() => ownRedis.stop());

  const look = () => corner.guard().runOnce();
  const laneInRedis = () => corner.gate.read(corner.lane);

  /** Three orders, of which Postgres has `stored`. */
  async function aSaleWithThreeOrders({ stored }: { stored: boolean }): Promise<string> {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 3);
    if (stored) await corner.worker().runOnce();
    return saleId;
  }

  describe('that are new', () => {
    it('opens a lane in which nothing was ever sold, at the start of an epoch', async () => {
      const { state, epoch, version, recorded, runId, serverRunId } = await laneInRedis();

      expect({ state, epoch, version, recorded }).toEqual({ state: 'open', epoch: 1, version: 1e12, recorded: 0 });
      expect(runId).toBe(serverRunId);
      expect(await corner.fence()).toEqual({ epoch: 1, recorded: 0, maxVersion: 1e12, runId });
      expect(await look()).toBe(0);
    });

    it('opens it again when Redis was emptied before anything was on sale', async () => {
      await corner.redis.flushall();

      expect(await look()).toBe(1);

      expect(await laneInRedis()).toMatchObject({ state: 'open', epoch: 2 });
    });

    it('leaves it open in one epoch, the same in Redis and Postgres, when several guards look at the same time', async () => {
      await corner.redis.flushall();

      const changes = await Promise.all(Array.from({ length: 6 }, look));

      expect(changes).toContain(1);
      const { state, epoch, runId, version } = await laneInRedis();
      expect({ state, fence: await corner.fence() }).toMatchObject({
        state: 'open',
        fence: { epoch, runId, maxVersion: version },
      });
      expect(await look()).toBe(0);
      await expect(corner.reserve(await corner.sale(), 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });

    it('opens it when the guard before died between Postgres and Redis, and a sale was made meanwhile', async () => {
      await corner.redis.flushall();
      const dying = jest.spyOn(corner.gate, 'open').mockRejectedValueOnce(new Error('killed'));
      await expect(look()).rejects.toThrow('killed');
      dying.mockRestore();
      const saleId = await corner.sale();

      await look();
      await corner.loader.push(saleId);

      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });

    it('opens it when the guard before died after Redis was opened', async () => {
      await corner.redis.flushall();
      const before = await corner.fence();
      await look();
      // What the guard wrote last: that the lane is open in this Redis.
      await corner.pool.query('UPDATE lanes SET run_id = NULL WHERE lane = $1', [corner.lane]);
      expect(await corner.fence()).toMatchObject({ epoch: before.epoch + 1, runId: null });
      const saleId = await corner.unloadedSale();
      expect(await corner.loader.push(saleId)).toBe(false);

      expect(await look()).toBe(1);
      await corner.loader.push(saleId);

      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });

    it('does no harm to a lane that was opened and sells while the guard was paused', async () => {
      await corner.redis.flushall();
      const guard = corner.guard();
      const paused = hold(guard, 'rebuildUnderLease');
      const looking = guard.runOnce();
      await paused.isReached;
      await look();
      const saleId = await aSaleWithThreeOrders({ stored: false });

      paused.release();
      expect(await looking).toBe(0);

      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });
  });

  describe('after a restart of Redis', () => {
    it('arms the lane again when Redis has all its data, and notes at which version the old run id ended', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: true });
      await corner.reserve(saleId, 2);
      const { serverRunId: before, version } = await laneInRedis();
      await ownRedis.restart(corner);
      await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'UNAVAILABLE' }]);

      expect(await look()).toBe(1);

      const { serverRunId: after } = await laneInRedis();
      expect(after).not.toBe(before);
      expect(await laneInRedis()).toMatchObject({ state: 'open', epoch: 1, runId: after, version });
      expect(await corner.fence()).toMatchObject({ epoch: 1, runId: after });
      expect(await corner.redis.hget(corner.keys.state, `end:${before}`)).toBe(String(version));
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED', version: version + 1 }]);
      await corner.worker(undefined, { staleAfterMs: 0 }).runOnce();
      expect(await corner.rows(saleId)).toHaveLength(6);
    });

    it('does not arm a Redis that knows nothing of the one before: its log ended before that one was armed', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: true });
      const before = await corner.redis.hgetall(corner.keys.state);
      await ownRedis.restart(corner);
      await look();
      await corner.reserve(saleId, 3);
      await ownRedis.restart(corner);
      await corner.redis.del(corner.keys.state, corner.keys.orders, corner.saleKeys(saleId).buyers);
      await corner.redis.hset(corner.keys.state, before);

      expect(await look()).toBe(1);

      expect(await laneInRedis()).toMatchObject({ state: 'open', epoch: 2 });
      expect((await corner.audit(saleId)).lanes).toMatchObject([
        { lastRebuild: { because: expect.stringMatching(/^Redis was last verified on another Redis/) as string } },
      ]);
    });

    it('arms it when several guards look at the same time', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: true });
      const { version } = await laneInRedis();
      await ownRedis.restart(corner);

      const changes = await Promise.all(Array.from({ length: 6 }, look));

      expect(changes).toContain(1);
      expect(await laneInRedis()).toMatchObject({ state: 'open', epoch: 1, version });
      const fields = await corner.redis.hkeys(corner.keys.state);
      expect(fields.filter((field) => field.startsWith('end:'))).toHaveLength(1);
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED', version: version + 1 }]);
    });

    it('arms it once more when the guard before died after Postgres had taken the new Redis over', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: true });
      await ownRedis.restart(corner);
      const dying = jest.spyOn(corner.gate, 'arm').mockRejectedValueOnce(new Error('killed'));
      await expect(look()).rejects.toThrow('killed');
      dying.mockRestore();

      expect(await look()).toBe(1);

      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });

    it('stores nothing that was read from the old Redis once the new one is taken over', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: false });
      const worker = corner.worker();
      const held = hold(corner.ledger, 'settle');
      const storing = worker.runOnce();
      await held.isReached;
      await ownRedis.restart(corner);
      await look();

      held.release();
      await expect(storing).rejects.toThrow('is not in this term');

      expect(await corner.rows(saleId)).toHaveLength(0);
      expect(await worker.runOnce()).toBe(3);
      expect(await corner.rows(saleId)).toHaveLength(3);
    });
  });

  describe('beside a guard that was paused', () => {
    it('refuses to arm under the older token, and leaves the lane as the newer guard has it', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: true });
      await ownRedis.restart(corner);
      const arming = hold(corner.gate, 'arm');
      const paused = look();
      await arming.isReached;
      await look();
      await corner.redis.del(corner.saleKeys(saleId).sale);
      await look();
      const { epoch } = await laneInRedis();

      arming.release();

      expect(await paused).toBe(0);
      expect(await laneInRedis()).toMatchObject({ state: 'open', epoch });
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });

    it.each(['close', 'open'] as const)('refuses to %s under the older token', async (step) => {
      await corner.redis.flushall();
      const held = hold(corner.gate, step);
      const paused = look();
      await held.isReached;
      await corner.overtake();
      const { epoch } = await laneInRedis();
      const saleId = await aSaleWithThreeOrders({ stored: false });

      held.release();

      await expect(paused).rejects.toThrow();
      expect(await laneInRedis()).toMatchObject({ state: 'open', epoch });
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });
  });
});
