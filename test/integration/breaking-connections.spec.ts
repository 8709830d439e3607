import { pino } from 'pino';
import { createPrisma } from '../../src/platform/postgres/prisma.js';
import { inTransaction } from '../../src/platform/postgres/transaction.js';
import { connectRedis } from '../../src/platform/redis/connect.js';
import { isStoreAway } from '../../src/platform/store-errors.js';
import { Corner } from '../support/corner.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';

describe('a connection that breaks', () => {
  let corner: Corner;
  beforeEach(async () => (corner = await Corner.open()));
  afterEach(() => corner.close());

  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('in the middle of a transaction fails that transaction, and not the process', async () => {
    const error = await failureOf(
      inTransaction(corner.pool, async (tx) => {
        const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await corner.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
        await eventually(
          () =>
            tx.query('SELECT 1').then(
              () => false,
              () => true,
            ),
          { withinMs: 5_000 },
        );
        await tx.query('SELECT 1');
      }),
    );
    expect(isStoreAway(error)).toBe(true);
    await expect(corner.pool.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
  });

  it('is told from a bug through Prisma as well, also when nothing listens', async () => {
    const { createPool } = await import('../../src/platform/postgres/pool.js');
    const nowhere = createPool(
      {
        url: 'postgresql://nobody@127.0.0.1:1/x',
        applicationName: 'test',
        connectionsMax: 1,
        statementTimeoutMs: 1_000,
      },
      () => undefined,
    );
    expect(isStoreAway(await failureOf(createPrisma(nowhere).sale.findMany()))).toBe(true);
    await nowhere.end();
    const timedOut = createPrisma(corner.pool).$queryRaw`SELECT pg_sleep(6)`;
    expect(isStoreAway(await failureOf(timedOut))).toBe(true);
    expect(isStoreAway(await failureOf(createPrisma(corner.pool).$queryRaw`SELECT nonsense`))).toBe(false);
  });

  it('silently to Redis is given up and made anew, so that no reply is taken for that of another command', async () => {
    const target = new URL(corner.redisUrl);
    const proxy = await FaultProxy.before(Number(target.port));
    target.port = String(proxy.port);
    const redis = connectRedis(target.href, { name: 'test', onError: () => undefined });
    await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
    await redis.set('silence:lost', 'lost');
    proxy.fault = 'lose-replies';
    expect(isStoreAway(await failureOf(redis.get('silence:lost')))).toBe(true);
    proxy.fault = 'none';

    const found = await eventually(() => redis.get('silence:none').then((value) => ({ value })), { withinMs: 5_000 });
    expect(found).toEqual({ value: null });
    redis.disconnect();
    await proxy.close();
  });

  it('is logged without what was being sent', async () => {
    const { createLogger } = await import('../../src/platform/observability/logger.js');
    const serialize = createLogger('silent', 'test')[pino.symbols.serializersSym as never] as {
      err: (error: Error) => object;
    };
    const error = Object.assign(new Error('WRONGPASS at redis://:secret@host:1'), {
      command: { name: 'auth', args: ['secret'] },
    });
    expect(JSON.stringify(serialize.err(error))).not.toContain('secret');
  });
});
