import { Registry } from 'prom-client';
import { LaneRepair } from '../../src/reconciliation/lane-repair.js';
import { ScheduledAudits } from '../../src/reconciliation/scheduled-audits.js';
import { Corner } from '../support/corner.js';
import { hold } from '../support/hold.js';
import { silent } from '../support/lane-parts.js';

describe('reconciling', () => {
  let corner: Corner;
  let saleId: string;
  beforeEach(async () => {
    corner = await Corner.open();
    saleId = await corner.sale({ stock: 10 });
    await corner.reserve(saleId, 4);
  });
  afterEach(() => corner.close());

  describe('repairing a lane', () => {
    /** Of one process, which remembers what it has seen. */
    const aRepair = () => {
      const { gate, stream, catchUp, pool, lane } = corner;
      const repair = new LaneRepair({ gate, stream, number: lane }, catchUp, pool, silent);
      return () => corner.underLease(`repair of lane ${lane}`, (held) => repair.runOnce(held, () => undefined));
    };
    const expectAllStored = async () => {
      expect(await corner.rows(saleId)).toHaveLength(4);
      expect(await corner.audit(saleId)).toMatchObject({ consistent: true, quiescent: true });
    };
    const deleteFirstEntry = async () => {
      const [first] = await corner.redis.xrange(corner.keys.orders, '-', '+', 'COUNT', 1);
      await corner.redis.xdel(corner.keys.orders, first?.[0] ?? '');
    };

    it('stores an order again whose entry was deleted before anybody read it', async () => {
      await deleteFirstEntry();
      await corner.worker().runOnce();

      expect(await aRepair()()).toBe(1);

      await expectAllStored();
    });

    it('stores an order again whose entry was deleted while it was pending, and settles the letter about it', async () => {
      jest.spyOn(corner.ledger, 'settle').mockRejectedValueOnce(new Error('killed'));
      await expect(corner.worker().runOnce()).rejects.toThrow('killed');
      await deleteFirstEntry();
      await corner.worker('heir', { staleAfterMs: 0 }).runOnce();
      expect(await corner.deadLetters()).toMatchObject([{ reason: 'unreadable' }]);

      expect(await aRepair()()).toBe(2);

      await expectAllStored();
      const { rows } = await corner.pool.query('SELECT state, resolved_by FROM dead_letters WHERE lane = $1', [
        corner.lane,
      ]);
      expect(rows).toEqual([{ state: 'replayed', resolved_by: 'reconciliation' }]);
    });

    it('leaves a letter about a deleted entry to the operator when a rebuild has found its order nowhere', async () => {
      jest.spyOn(corner.ledger, 'settle').mockRejectedValueOnce(new Error('killed'));
      await expect(corner.worker().runOnce()).rejects.toThrow('killed');
      await deleteFirstEntry();
      await corner.worker('heir', { staleAfterMs: 0 }).runOnce();
      await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);
      jest.spyOn(corner.catchUp, 'run').mockResolvedValueOnce({ stored: 0, released: 0, forgotten: 0 }); // as if emptied
      await corner.guard().runOnce();

      expect(await aRepair()()).toBe(0);

      const { rows } = await corner.pool.query('SELECT state FROM dead_letters WHERE lane = $1', [corner.lane]);
      expect(rows).toEqual([{ state: 'open' }]);
    });

    it('stores orders again whose consumer was deleted with them pending', async () => {
      jest.spyOn(corner.ledger, 'settle').mockRejectedValueOnce(new Error('killed'));
      await expect(corner.worker('gone').runOnce()).rejects.toThrow('killed');
      await corner.redis.xgroup('DELCONSUMER', corner.keys.orders, 'persistence', 'gone');
      await corner.worker('heir', { staleAfterMs: 0 }).runOnce();
      expect(await corner.rows(saleId)).toHaveLength(0);

      expect(await aRepair()()).toBe(4);

      await expectAllStored();
    });

    it('has the lane rebuilt when Redis has given back what Postgres holds: Postgres has forgotten something', async () => {
      await corner.worker().runOnce();
      const [order] = await corner.rows(saleId);
      await corner.stock.release(corner.lane, saleId, [{ buyer: order?.buyer ?? '', orderId: order?.orderId ?? '' }]);

      expect(await aRepair()()).toBe(0);

      expect(await corner.guard().runOnce()).toBe(1);
      expect(await corner.rows(saleId)).toContainEqual(expect.objectContaining({ ...order, status: 'expired' }));
      expect(await corner.audit(saleId)).toMatchObject({ consistent: true, quiescent: true, redis: { held: 3 } });
    });

    it('leaves a lane alone of which nothing is missing, however much is on its way', async () => {
      const scan = jest.spyOn(corner.stock, 'scanBuyers');
      const repair = aRepair();
      expect([await repair(), await repair()]).toEqual([0, 0]);
      await corner.worker().runOnce();
      expect([await repair(), await repair()]).toEqual([0, 0]);
      expect(scan).not.toHaveBeenCalled();
    });

    it('does not store what an operator has to decide about', async () => {
      await corner.redis.hset(corner.saleKeys(saleId).sale, 'available', 8);
      await corner.reserve(saleId, 8);
      await corner.worker().runOnce();
      expect(await corner.deadLetters()).toHaveLength(2);
      expect(await aRepair()()).toBe(0);
      expect(await corner.rows(saleId)).toHaveLength(10);
    });

    it('stores nothing in a lane that was rebuilt meanwhile', async () => {
      await deleteFirstEntry();
      await corner.worker().runOnce();
      const held = hold(corner.catchUp, 'run');
      const repairing = aRepair()();
      await held.isReached;
      await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);
      await corner.guard().runOnce();

      held.release();

      expect(await repairing).toBe(0);
      await expectAllStored();
    });
  });

  describe('auditing by itself', () => {
    const anAuditor = (registry = new Registry()) => {
      jest.spyOn(ScheduledAudits.prototype as never, 'readDue').mockResolvedValue([saleId] as never);
      return new ScheduledAudits(corner.audits, corner.pool, silent, registry, { afterSeconds: () => 60 });
    };
    const finding = async () => {
      const { rows } = await corner.pool.query<{ token: number; consistent: boolean; differences: unknown[] }>(
        'SELECT token, consistent, differences FROM audit_findings WHERE sale_id = $1',
        [saleId],
      );
      return rows[0];
    };
    const name = () => `audits of ${corner.lane}`;
    afterEach(() => jest.restoreAllMocks());

    it('keeps what it found, and counts it by kind', async () => {
      await corner.redis.hincrby(corner.saleKeys(saleId).sale, 'available', -1);
      const registry = new Registry();
      expect(await corner.underLease(name(), (held) => anAuditor(registry).runOnce(held, () => undefined))).toBe(1);
      expect(await finding()).toMatchObject({ consistent: false, differences: [{ kind: 'redis-not-conserved' }] });
      expect(await registry.metrics()).toMatch(/stampede_audit_differences\{kind="redis-not-conserved"\} [1-9]/);
    });

    it('goes on with the others when one sale cannot be audited', async () => {
      const other = await corner.sale();
      const auditor = anAuditor();
      jest.spyOn(ScheduledAudits.prototype as never, 'readDue').mockResolvedValue([other, saleId] as never);
      jest.spyOn(corner.stock, 'counters').mockRejectedValueOnce(new Error('too large'));

      await expect(corner.underLease(name(), (held) => auditor.runOnce(held, () => undefined))).rejects.toThrow(
        'too large',
      );

      expect(await finding()).toMatchObject({ consistent: true });
    });

    it('refuses the finding of a pass that was paused until another had begun', async () => {
      const paused = hold(corner.stock, 'counters');
      const old = corner.underLease(name(), (held) => anAuditor().runOnce(held, () => undefined));
      await paused.isReached;
      await corner.pool.query('UPDATE leases SET expires_at = now() WHERE name = $1', [name()]);
      await corner.underLease(name(), (held) => anAuditor().runOnce(held, () => undefined));
      const newer = await finding();

      paused.release();

      await expect(old).rejects.toThrow('is lost');
      expect(await finding()).toEqual(newer);
    });
  });
});
