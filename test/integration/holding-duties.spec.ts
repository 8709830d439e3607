import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { Duties } from '../../src/platform/lock/duty.js';
import { type Held, LeaseLost } from '../../src/platform/lock/held.js';
import { Leases } from '../../src/platform/lock/lease.js';
import { createPool } from '../../src/platform/postgres/pool.js';
import { inTransaction } from '../../src/platform/postgres/transaction.js';
import { connectRedis } from '../../src/platform/redis/connect.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { hold } from '../support/hold.js';

const ignore = () => undefined;
const WITHIN = { withinMs: 10_000 };
/** Never over during a test. */
const LONG_MS = 60_000;
/** Over soon, and yet longer than this machine is ever late. */
const SHORT_MS = 600;

describe('holding duties', () => {
  const closing: (() => unknown)[] = [];
  let pool: Pool;
  let redis: Redis;
  let name: string;
  beforeEach(async () => {
    pool = poolTo(process.env.TEST_DATABASE_URL);
    redis = await redisTo(process.env.TEST_REDIS_URL);
    name = `duty-${uuidv7()}`;
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const close of closing.splice(0).reverse()) await close();
  });

  function poolTo(url = '', connectionsMax = 4): Pool {
    const made = createPool({ url, applicationName: 'test', connectionsMax, statementTimeoutMs: 5_000 }, ignore);
    closing.push(() => made.end());
    return made;
  }

  async function redisTo(url = ''): Promise<Redis> {
    const made = connectRedis(url, { name: 'test', onError: ignore });
    closing.push(() => made.disconnect());
    await new Promise<void>((resolve) => made.once('ready', () => resolve()));
    return made;
  }

  /** A proxy before the server of `url`, and the way through it. */
  async function proxyTo(url = ''): Promise<{ proxy: FaultProxy; url: string }> {
    const target = new URL(url);
    const proxy = await FaultProxy.before(Number(target.port));
    closing.push(() => proxy.close().catch(ignore)); // a test may have closed it
    target.port = String(proxy.port);
    return { proxy, url: target.href };
  }

  const leases = (ttlMs = LONG_MS, on = pool) => new Leases(on, `holder-${uuidv7()}`, { ttlMs });
  const duties = (on = redis, under = leases(), ttlMs = LONG_MS) =>
    new Duties(on, under, pino({ level: 'silent' }), { ttlMs });

  /** Makes the lease run out in Postgres, as time does when its holder is paused. */
  const runOut = () => pool.query('UPDATE leases SET expires_at = now() WHERE name = $1', [name]);
  const hasRunOut = async () => (await row()).over;
  const tokenOf = (held: Held) => Promise.resolve(held.token);

  async function row(): Promise<{ token: number; at: Date; over: boolean }> {
    const { rows } = await pool.query<{ token: number; at: Date; over: boolean }>(
      'SELECT token, expires_at AS at, expires_at <= clock_timestamp() AS over FROM leases WHERE name = $1',
      [name],
    );
    if (!rows[0]) throw new Error('nobody has ever held it');
    return rows[0];
  }

  /** Waits until the time that the lease had at the beginning is over, whatever became of it. */
  async function outlive(): Promise<void> {
    const { at } = await row();
    const isOver = () => pool.query<{ over: boolean }>('SELECT clock_timestamp() > $1 AS over', [at]);
    await eventually(async () => (await isOver()).rows[0]?.over, WITHIN);
  }

  /** Writes, and asks afterwards whether it may. */
  const writeFenced = (held: Held, actor: string) =>
    inTransaction(pool, async (tx) => {
      await tx.query(`INSERT INTO admin_actions (action_id, actor, action, subject) VALUES ($1, $2, 'test', $3)`, [
        uuidv7(),
        actor,
        name,
      ]);
      await held.require(tx);
    });

  async function written(): Promise<string[]> {
    const { rows } = await pool.query<{ actor: string }>('SELECT actor FROM admin_actions WHERE subject = $1', [name]);
    return rows.map(({ actor }) => actor);
  }

  const aborted = ({ signal }: Held) => eventually(() => signal.aborted, WITHIN);

  describe('by a lease', () => {
    it('lets one of several work, whether it was ever held or not, and sends the others away at once', async () => {
      for (const token of [1, 2]) {
        const all = Array.from({ length: 5 }, () => leases());
        let sentAway = 0;
        const results = await Promise.all(
          all.map(async (each) => {
            const result = await each.hold(name, async (held) => {
              await eventually(() => sentAway === 4, WITHIN);
              return held.token;
            });
            if (result === undefined) sentAway += 1;
            return result;
          }),
        );
        expect(results.filter((result) => result !== undefined)).toEqual([token]);
      }
    });

    it('is free at once when it was given back, also by work that failed, and its token rises', async () => {
      expect(await leases().hold(name, tokenOf)).toBe(1);
      await expect(leases().hold(name, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
      expect(await leases().hold(name, tokenOf)).toBe(3);
    });

    it('is free at once also when it was given back during an extension', async () => {
      const narrow = poolTo(process.env.TEST_DATABASE_URL, 1);
      await leases(SHORT_MS, narrow).hold(name, async () => {
        const extension = hold(narrow, 'query');
        await extension.isReached;
        setImmediate(extension.release);
      });
      await narrow.query('SELECT 1'); // after everything else that was asked on its one connection
      expect(await hasRunOut()).toBe(true);
    });

    it('is kept while its work goes on longer than its time', async () => {
      await leases(SHORT_MS).hold(name, async ({ signal }) => {
        await outlive();
        expect(await leases().hold(name, tokenOf)).toBeUndefined();
        expect(signal.aborted).toBe(false);
      });
    });

    it('is kept during a fenced transaction that is longer than its time', async () => {
      await leases(SHORT_MS).hold(name, (held) =>
        inTransaction(pool, async (tx) => {
          await held.require(tx);
          await outlive();
          expect(await hasRunOut()).toBe(false);
          expect(held.signal.aborted).toBe(false);
        }),
      );
    });

    it('refuses the writes of a holder that woke up after another took over, and tells it to stop', async () => {
      let told: AbortSignal | undefined;
      const holding = leases().hold(name, async (old) => {
        told = old.signal;
        await runOut();
        await leases().hold(name, async (young) => {
          expect([old.token, young.token]).toEqual([1, 2]);
          expect(old.signal.aborted).toBe(false); // as far as it knows
          await expect(writeFenced(old, 'old')).rejects.toThrow(LeaseLost);
          expect(old.signal.aborted).toBe(true);
          await writeFenced(young, 'young');
        });
        return 'done';
      });
      await expect(holding).rejects.toThrow(LeaseLost);
      await expect(holding).rejects.toBe(told?.reason); // and not because of a mistake above
      expect(await written()).toEqual(['young']);
    });

    it('lets a holder write whose lease ran out, as long as nobody took it', async () => {
      await leases().hold(name, async (held) => {
        await runOut();
        await writeFenced(held, 'only');
      });
      expect(await written()).toEqual(['only']);
    });

    it('is not taken before the fenced transaction of its holder ends, though it ran out', async () => {
      await leases().hold(name, (held) =>
        inTransaction(pool, async (tx) => {
          await held.require(tx);
          await runOut();
          expect(await leases().hold(name, tokenOf)).toBeUndefined();
        }),
      );
      expect(await leases().hold(name, tokenOf)).toBe(2);
    });

    it('is lost when its work ended well, but somebody had it meanwhile', async () => {
      const holding = leases().hold(name, async () => {
        await runOut();
        await leases().hold(name, tokenOf);
      });
      await expect(holding).rejects.toThrow(LeaseLost);
    });

    it('stops its work when an extension is refused', async () => {
      const holding = leases(SHORT_MS).hold(name, async (held) => {
        await runOut();
        await leases().hold(name, async () => {
          await aborted(held);
        });
        throw new Error('stopped');
      });
      await expect(holding).rejects.toMatchObject({ name: 'LeaseLost', cause: new Error('stopped') });
    });

    it('stops its work when an extension is not answered in time, and the late one does not disturb the next', async () => {
      const far = poolTo(process.env.TEST_DATABASE_URL);
      let extension: ReturnType<typeof hold> | undefined;
      const holding = leases(SHORT_MS, far).hold(name, async (held) => {
        extension = hold(far, 'query');
        await aborted(held);
        await eventually(hasRunOut, WITHIN);
      });
      await expect(holding).rejects.toThrow('could not be extended in time');
      await leases().hold(name, async () => {
        const before = await row();
        extension?.release();
        await far.query('SELECT 1');
        expect(await row()).toEqual(before);
      });
    });

    it('outlives a connection that breaks, and stops its work when no new one can be had', async () => {
      const { proxy, url } = await proxyTo(process.env.TEST_DATABASE_URL);
      const holding = leases(SHORT_MS, poolTo(url)).hold(name, async (held) => {
        proxy.cut();
        await outlive();
        expect(held.signal.aborted).toBe(false);
        await proxy.close();
        await aborted(held);
      });
      await expect(holding).rejects.toMatchObject({ name: 'LeaseLost', cause: { code: 'ECONNREFUSED' } });
    });
  });

  describe('by a Redlock and a lease', () => {
    const lockKey = () => `lock:${name}`;

    it('sends a second one away before it asks for the lease', async () => {
      const others = leases();
      const asked = jest.spyOn(others, 'hold');
      const result = await duties().perform(name, async (held) => {
        expect(await duties(redis, others).perform(name, tokenOf)).toBeUndefined();
        return held.token;
      });
      expect([result, asked.mock.calls]).toEqual([1, []]);
      expect(await duties(redis, others).perform(name, tokenOf)).toBe(2); // both are given back
    });

    it('keeps the Redlock while its work goes on longer than its time', async () => {
      await duties(redis, leases(), SHORT_MS).perform(name, async ({ signal }) => {
        await outliveLock();
        expect([await redis.exists(lockKey()), signal.aborted]).toEqual([1, false]);
      });
      expect(await redis.exists(lockKey())).toBe(0);
    });

    it('lets nobody else work when Redis forgets the Redlock: the lease decides', async () => {
      await duties().perform(name, async () => {
        await redis.del(lockKey());
        expect(await duties().perform(name, tokenOf)).toBeUndefined();
      });
    });

    it('stops its work when the Redlock cannot be extended, and gives the lease back', async () => {
      const performing = duties(redis, leases(), SHORT_MS).perform(name, async (held) => {
        await redis.set(lockKey(), 'another');
        await aborted(held);
      });
      await expect(performing).rejects.toMatchObject({
        name: 'LeaseLost',
        cause: { message: expect.stringMatching(/Redlock/) },
      });
      expect(await hasRunOut()).toBe(true);
    });

    it('tells what its work threw', async () => {
      await expect(duties().perform(name, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    });

    it.each(['cannot be reached', 'is silent'])('goes on under the lease alone while Redis %s', async (fault) => {
      const { redis: away, lose, restore } = await losableRedis();
      lose(fault === 'is silent' ? 'silently' : 'with its connection');
      const result = await duties(away).perform(name, async (held) => {
        expect(await duties(away).perform(name, tokenOf)).toBeUndefined();
        return held.token;
      });
      expect(result).toBe(1);

      await restore();
      expect(await duties(away).perform(name, () => redis.exists(lockKey()))).toBe(1);
    });

    it('answers what its work answered when Redis goes away before the Redlock is released', async () => {
      const { redis: leaving, lose, restore } = await losableRedis();
      const result = await duties(leaving).perform(name, ({ token }) => {
        lose('with its connection');
        return Promise.resolve(token);
      });
      expect(result).toBe(1);
      await restore();
    });

    async function losableRedis() {
      const { proxy, url } = await proxyTo(process.env.TEST_REDIS_URL);
      const redis = await redisTo(url);
      const lose = (how: 'silently' | 'with its connection') => {
        proxy.fault = 'lose-requests';
        if (how === 'with its connection') proxy.cut();
      };
      const restore = () => {
        proxy.fault = 'none';
        return eventually(() => redis.ping(), WITHIN);
      };
      return { redis, lose, restore };
    }

    /** Waits until a Redlock of `SHORT_MS` that was had before has run out, unless it was extended. */
    function outliveLock(): Promise<unknown> {
      const fromMs = performance.now();
      return eventually(() => performance.now() > fromMs + 2 * SHORT_MS, WITHIN);
    }
  });
});
