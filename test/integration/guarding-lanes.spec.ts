import type { Logger } from 'pino';
import { LaneGuard } from '../../src/guard/lane-guard.js';
import { Stock } from '../../src/stock/stock.js';
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

  async function expectClosedBecause(because: RegExp): Promise<void> {
    const { state, closedBecause, lost } = await laneInRedis();
    expect({ state, because: closedBecause ?? `lost ${lost}` }).toEqual({
      state: 'closed',
      because: expect.stringMatching(because) as string,
    });
    expect(await look()).toBe(0); // nor does the next look open it
    expect(await laneInRedis()).toMatchObject({ state: 'closed' });
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
      const paused = hold(guard, 'act');
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
      await expect(storing).rejects.toThrow('has not taken Redis');

      expect(await corner.rows(saleId)).toHaveLength(0);
      expect(await worker.runOnce()).toBe(3);
      expect(await corner.rows(saleId)).toHaveLength(3);
    });

    it('closes the lane when Redis is behind Postgres', async () => {
      await aSaleWithThreeOrders({ stored: true });
      await ownRedis.restart(corner);
      await corner.redis.hincrby(corner.keys.state, 'version', -1);

      expect(await look()).toBe(1);

      await expectClosedBecause(/^Redis is behind Postgres: its version 1000000000002 is below 1000000000003$/);
    });

    it('closes the lane when Postgres has forgotten what it had recorded', async () => {
      await aSaleWithThreeOrders({ stored: true });
      await ownRedis.restart(corner);
      await corner.redis.hincrby(corner.keys.state, 'recorded', 1);

      expect(await look()).toBe(1);

      await expectClosedBecause(/^Postgres is behind Redis: it has recorded 3 decisions, not 4$/);
    });

    it('does not arm the lane when a process was answered more than Redis knows', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: false });
      await ownRedis.restart(corner);
      await corner.redis.hincrby(corner.keys.state, 'version', -1);

      await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'UNAVAILABLE' }]);

      expect(await look()).toBe(0);
      await expectClosedBecause(/^lost 1000000000003$/);
    });

    it('closes a lane that was armed before such a process came back, however much was decided meanwhile', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: false });
      await ownRedis.restart(corner);
      await corner.redis.hincrby(corner.keys.state, 'version', -1);
      await look();
      await corner.reserve(saleId, 5, new Stock(corner.redis));

      await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'UNAVAILABLE' }]);

      await expectClosedBecause(/^lost 1000000000003$/);
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

      arming.release();

      expect(await paused).toBe(0);
      await expectClosedBecause(/^Redis has lost 1 sales of this lane$/);
    });

    it('refuses to open under the older token', async () => {
      await corner.redis.flushall();
      const opening = hold(corner.gate, 'open');
      const paused = look();
      await opening.isReached;
      await look();
      const { epoch } = await laneInRedis();
      const saleId = await aSaleWithThreeOrders({ stored: false });

      opening.release();

      expect(await paused).toBe(0);
      expect(await laneInRedis()).toMatchObject({ state: 'open', epoch });
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });

    it('refuses to close under the older token', async () => {
      await corner.redis.flushall();
      const closing = hold(corner.gate, 'close');
      const paused = look();
      await closing.isReached;
      await look();
      const saleId = await aSaleWithThreeOrders({ stored: false });

      closing.release();

      expect(await paused).toBe(0);
      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });
  });

  describe('of which something is gone', () => {
    it('closes the lane when Redis was emptied after something was on sale', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: true });
      await corner.redis.flushall();
      const error = jest.fn();
      const logger = { error } as unknown as Logger;

      expect(await new LaneGuard(corner.lane, corner.gate, corner.stock, corner.pool, logger).runOnce()).toBe(0);

      const because = 'Redis has no such lane: it was emptied, or is another Redis';
      expect(error).toHaveBeenCalledWith({ lane: corner.lane, because }, 'lane closed');
      expect(await corner.loader.push(saleId)).toBe(true); // nothing to do: it was loaded once
      await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'UNAVAILABLE' }]);
    });

    it('closes the lane when Redis and Postgres are in different epochs', async () => {
      await aSaleWithThreeOrders({ stored: true });
      await corner.pool.query('UPDATE lanes SET epoch = 2 WHERE lane = $1', [corner.lane]);

      expect(await look()).toBe(1);

      await expectClosedBecause(/^Redis is in epoch 1, Postgres in 2$/);
    });

    it('closes the lane when a sale is missing that was loaded', async () => {
      const saleId = await aSaleWithThreeOrders({ stored: true });
      const other = await corner.sale();
      await corner.redis.del(corner.saleKeys(saleId).sale);

      expect(await look()).toBe(1);

      await expectClosedBecause(/^Redis has lost 1 sales of this lane$/);
      await expect(corner.reserve(other, 1)).resolves.toEqual([{ outcome: 'UNAVAILABLE' }]);
    });

    it('does not close a lane that another guard has opened between its two reads', async () => {
      const before = await laneInRedis();
      await corner.redis.flushall();
      await look();
      const saleId = await aSaleWithThreeOrders({ stored: true });
      jest.spyOn(corner.gate, 'read').mockResolvedValueOnce(before);

      expect(await look()).toBe(0);

      await expect(corner.reserve(saleId, 1)).resolves.toMatchObject([{ outcome: 'ACCEPTED' }]);
    });
  });
});
