import type { Redis } from 'ioredis';
import type { Corner } from '../support/corner.js';
import { environment, SECRET } from '../support/environment.js';
import { exitOf } from '../support/exit-of.js';
import { OwnRedis } from '../support/own-redis.js';

/** One mistake each, and the variable whose line says so. */
const MISTAKES: [Record<string, string>, string][] = [
  [{ PORT: 'abc' }, 'PORT'],
  [{ DATABASE_URL: '' }, 'DATABASE_URL'],
  [{ REDIS_URL: 'http://:hunter2@cache' }, 'REDIS_URL'],
  [{ JWT_SECRET: 'changeme-changeme-changeme-changeme' }, 'JWT_SECRET'],
  [{ PAYMENT_WEBHOOK_SECRETS: 'hunter2' }, 'PAYMENT_WEBHOOK_SECRETS'],
  [{ PAYMENT_GATEWAY_URL: '' }, 'PAYMENT_GATEWAY_URL'],
  [{ INTAKE_BATCH_MAX: '0' }, 'INTAKE_BATCH_MAX'],
  [{ PERSIST_BATCH_MAX: '0' }, 'PERSIST_BATCH_MAX'],
  [{ GATEWAY_TIMEOUT_MS: '-1' }, 'GATEWAY_TIMEOUT_MS'],
  [{ QUEUE_CLAIM_AFTER_MS: '-5000' }, 'QUEUE_CLAIM_AFTER_MS'],
  [{ STATEMENT_TIMEOUT_MS: '5000', PERSIST_CLAIM_AFTER_MS: '9999' }, 'PERSIST_CLAIM_AFTER_MS'],
  [{ EVENT_STREAMS_MAX: '20000', CONNECTIONS_MAX: '20000' }, 'EVENT_STREAMS_MAX'],
  [{ NODE_ENV: 'production', FAILPOINTS: 'anywhere' }, 'FAILPOINTS'],
];

const given = (overrides: Record<string, string>): Record<string, string> => ({
  ...(environment() as Record<string, string>),
  ...overrides,
});

const variablesOf = (lines: string[]): string[] => lines.map((line) => line.split(': ')[0] ?? '').sort();

describe('a process that must not start', () => {
  it.each(['api', 'worker', 'all', 'migrate'])('says all that is wrong with its settings at once: %s', async (role) => {
    const all = Object.assign({}, ...MISTAKES.map(([overrides]) => overrides)) as Record<string, string>;
    const { code, lines } = await exitOf(['dist/main.js', role], given(all));
    expect(code).toBe(78);
    expect(variablesOf(lines)).toEqual(MISTAKES.map(([, variable]) => variable).sort());
    expect(lines.join()).not.toMatch(/hunter2|changeme-/);
  });

  it('is the simulator in production', async () => {
    const settings = { SIMULATOR_WEBHOOK_URL: 'http://127.0.0.1:9', SIMULATOR_DIRECTORY: '/nowhere' };
    const { code, lines } = await exitOf(['dist/simulator.js'], given({ NODE_ENV: 'production', ...settings }));
    expect([code, ...lines]).toEqual([78, 'NODE_ENV: the simulator never runs in production']);
  });

  describe('because of its stores', () => {
    let own: OwnRedis;
    let corner: Corner;
    let redis: Redis;
    beforeAll(async () => {
      own = await OwnRedis.start();
      corner = await own.openCorner();
      redis = corner.redis;
    });
    afterAll(async () => {
      await corner.close();
      await own.stop();
    });

    it('says of all of them at once what would lose orders, and what to do', async () => {
      await redis.config('SET', 'appendonly', 'no', 'maxmemory-policy', 'allkeys-lru');
      const unmigrated = new URL(process.env.TEST_DATABASE_URL ?? '');
      unmigrated.pathname = '/postgres';
      unmigrated.searchParams.set('options', '-c synchronous_commit=off');
      const stores = { DATABASE_URL: unmigrated.href, REDIS_URL: own.url, QUEUE_REDIS_URL: own.url };
      const { code, lines } = await exitOf(['dist/main.js', 'api'], given({ ...stores, JWT_SECRET: SECRET }));
      expect(code).toBe(78);
      expect(lines.sort()).toEqual([
        expect.stringMatching(/^DATABASE_URL: Postgres must not run with `synchronous_commit = off`/),
        expect.stringMatching(/^DATABASE_URL: Postgres must run with `fsync = on`/),
        expect.stringMatching(/^DATABASE_URL: migrations are pending; run `node dist\/main migrate`$/),
        expect.stringMatching(/^QUEUE_REDIS_URL: .* `maxmemory-policy noeviction`/),
        expect.stringMatching(/^REDIS_URL: .* `appendonly yes`/),
        expect.stringMatching(/^REDIS_URL: .* `maxmemory-policy noeviction`/),
      ]);
    });
  });
});
