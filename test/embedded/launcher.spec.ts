import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { existingSecrets } from '../../src/launcher/launch-secrets.js';
import { signToken } from '../../src/launcher/sign-token.js';
import { startPostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { startRedis } from '../../src/platform/embedded/embedded-redis.js';
import { isAlive } from '../support/another-process.js';
import { eventually } from '../support/eventually.js';
import { edIssuer } from '../support/key-pairs.js';
import { LauncherRun } from '../support/launcher.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';
import { runScript } from '../support/run-script.js';
import { takePort } from '../support/taken-port.js';

const run = promisify(execFile);
const SOON = { withinMs: 30_000 };

/** Each of these starts three servers and two roles, some of them twice. */
jest.setTimeout(120_000);

describe('npm start', () => {
  let directory: string;
  beforeEach(() => (directory = privateDirectory()));
  afterEach(async () => {
    await LauncherRun.killAll();
    await removeDirectory(directory);
  });

  it('serves a sale that its printed curl buys from, stops in order at Ctrl-C, and goes on where it ended', async () => {
    const first = await LauncherRun.start(directory);
    await first.untilWelcome();
    expect(await buyAsPrinted(first)).toContain('HTTP/1.1 202');
    const pids = first.pids();
    expect(await first.interrupt()).toBe(0);
    expect(stopped(first)).toEqual(['api', 'persistence', 'money', 'simulator', 'redis', 'queue-redis', 'postgres']);
    expect(pids.filter(isAlive)).toEqual([]);

    const second = await LauncherRun.start(directory);
    await second.untilWelcome();
    expect(saleIn(second)).toBe(saleIn(first));
    await eventually(async () => (await saleOf(second)).stock.available === 99, { withinMs: 5_000 });
    expect(await second.interrupt()).toBe(0);
  });

  it('starts at once, with all data, after it was killed, and payment links lead where they led', async () => {
    const first = await LauncherRun.start(directory);
    await first.untilWelcome();
    const order = await buy(first, directory);
    const paymentUrl = await paymentUrlOf(order);
    first.signal('SIGKILL');
    await first.untilEnded();

    const second = await LauncherRun.start(directory, { port: first.port });
    await second.untilWelcome();
    expect((await saleOf(second)).stock.available).toBe(99);
    await approve(paymentUrl);
    await eventually(async () => (await statusOf(order)) === 'paid', SOON);
    expect(await second.interrupt()).toBe(0);
  });

  it('leaves no role behind when it was killed', async () => {
    const first = await LauncherRun.start(directory);
    await first.untilWelcome();
    const names = ['api', 'persistence', 'money', 'simulator'];
    await Promise.all(names.map((name) => first.untilLogged(name, '"msg":"started"')));
    const roles = names.map((name) => first.pid(`${name}.pid`));
    first.signal('SIGKILL');
    await eventually(() => !roles.some(isAlive), { withinMs: 15_000 });
  });

  it('stops what it has started so far when Ctrl-C comes while it starts', async () => {
    const launcher = await LauncherRun.start(directory);
    await launcher.untilSaid('Starting PostgreSQL and Redis');
    expect(await launcher.interrupt()).toBe(0);
    expect(existsSync(join(directory, 'redis/redis.pid'))).toBe(false);
    expect(existsSync(join(directory, 'postgres/data/postmaster.pid'))).toBe(false);
  });

  it('does not wait any longer when Ctrl-C comes a second time', async () => {
    const launcher = await LauncherRun.start(directory);
    await launcher.untilWelcome();
    const pids = launcher.pids();
    process.kill(launcher.pid('api.pid'), 'SIGSTOP'); // it cannot stop in order now
    launcher.signal('SIGINT');
    await launcher.untilSaid('stopping api');
    // A second one that comes at once is taken for the first.
    await eventually(
      () => {
        launcher.signal('SIGINT');
        return launcher.hasEnded;
      },
      { withinMs: 10_000 },
    );
    expect(await launcher.untilEnded()).toBe(1);
    await eventually(() => !pids.some(isAlive), { withinMs: 5_000 });
  });

  it('takes one Ctrl-C that arrives twice, as npm hands it on, for one', async () => {
    const launcher = await LauncherRun.start(directory);
    await launcher.untilWelcome();
    launcher.signal('SIGINT');
    launcher.signal('SIGINT');
    expect(await launcher.untilEnded()).toBe(0);
  });

  it('starts nothing and names PORT when that is taken', async () => {
    const taken = await takePort();
    const launcher = await LauncherRun.start(directory, { port: taken.port });
    expect(await launcher.untilEnded()).toBe(1);
    expect(launcher.output).toMatch(new RegExp(`^PORT ${taken.port} is taken .*\n$`));
    expect(existsSync(join(directory, 'postgres'))).toBe(false);
    await taken.close();
  });

  it.each([
    [
      'production without servers of its own',
      { NODE_ENV: 'production' },
      /^DATABASE_URL and REDIS_URL are missing: .*\n$/,
    ],
    ['DATABASE_URL without REDIS_URL', { DATABASE_URL: 'postgresql://localhost/x' }, /^REDIS_URL is missing: .*\n$/],
    ['REDIS_URL without DATABASE_URL', { REDIS_URL: 'redis://localhost' }, /^DATABASE_URL is missing: .*\n$/],
    ['a port that is none', { PORT: 'http' }, /^PORT must be .*\n$/],
    [
      'two ways to verify tokens',
      { JWT_SECRET: 'x'.repeat(32), JWT_PUBLIC_KEY: 'y' },
      /^JWT_SECRET and JWT_PUBLIC_KEY .*\n$/,
    ],
  ])('refuses %s in one line with exit code 78', async (_, env, line) => {
    const launcher = await LauncherRun.start(directory, { env });
    expect(await launcher.untilEnded()).toBe(78);
    expect(launcher.output).toMatch(line);
  });

  it('stops everything and shows what a role says when it refuses its configuration', async () => {
    const launcher = await LauncherRun.start(directory, { env: { LOG_LEVEL: 'shouting' } });
    expect(await launcher.untilEnded()).toBe(78);
    expect(launcher.output.trimEnd().split('\n').at(-1)).toContain('LOG_LEVEL');
    expect(existsSync(join(directory, 'redis/redis.pid'))).toBe(false);
  });

  it('gives up, with what it said last, when a role dies again and again before it was ever ready', async () => {
    const launcher = await LauncherRun.start(directory, {
      env: { NODE_OPTIONS: `--require ${cannotListen(directory)}` },
    });
    expect(await launcher.untilEnded()).toBe(1);
    expect(launcher.output).toContain('api does not start. Its last words');
    expect(launcher.output).toContain('Error: planted');
  });

  it('runs no simulator when the gateway is somebody else’s', async () => {
    const launcher = await LauncherRun.start(directory, { env: { PAYMENT_GATEWAY_URL: 'http://127.0.0.1:9' } });
    await launcher.untilWelcome();
    expect(existsSync(join(directory, 'simulator.pid'))).toBe(false);
    expect(await launcher.interrupt()).toBe(0);
  });

  it('prints no tokens and makes no sale when they are signed elsewhere, and accepts those that are', async () => {
    const issuer = edIssuer();
    const launcher = await LauncherRun.start(directory, {
      env: { JWT_PUBLIC_KEY: issuer.pem.replaceAll('\n', '\\n') },
    });
    await launcher.untilWelcome();
    expect(launcher.output).toMatch(/^(?!.*\beyJ).*JWT_PUBLIC_KEY/s);
    const rewards = (token: string) =>
      fetch(`${launcher.baseUrl}/v1/rewards`, { headers: { authorization: `Bearer ${token}` } });
    const claims = { sub: 'alice', exp: Math.floor(Date.now() / 1000) + 60 };
    const answers = [await rewards(issuer.token(claims)), await rewards(edIssuer().token(claims))];
    expect(answers.map(({ status }) => status)).toEqual([200, 401]);
  });

  describe('beside servers that somebody else runs', () => {
    let elsewhere: string;
    beforeEach(() => (elsewhere = privateDirectory()));
    afterEach(() => removeDirectory(elsewhere));

    it('uses those when both urls are set, and starts none', async () => {
      const [postgres, redis] = await Promise.all([
        startPostgres({ directory: join(elsewhere, 'postgres') }),
        startRedis({ directory: join(elsewhere, 'redis') }),
      ]);
      const launcher = await LauncherRun.start(directory, {
        env: { DATABASE_URL: postgres.url, REDIS_URL: redis.url },
      });
      await launcher.untilWelcome();
      expect(existsSync(join(directory, 'postgres'))).toBe(false);
      expect(await launcher.interrupt()).toBe(0);
      expect(isAlive(postgres.pid) && isAlive(redis.pid)).toBe(true);
      await Promise.all([postgres.stop(), redis.stop()]);
    });
  });
});

describe('a running npm start', () => {
  let directory: string;
  let launcher: LauncherRun;
  beforeAll(async () => {
    directory = privateDirectory();
    launcher = await LauncherRun.start(directory);
    await launcher.untilWelcome();
  });
  afterAll(async () => {
    await launcher.interrupt();
    await LauncherRun.killAll();
    await removeDirectory(directory);
  });

  it('tells a second start where it runs, and is not disturbed by it', async () => {
    const second = await LauncherRun.start(directory);
    expect(await second.untilEnded()).toBe(0);
    expect(second.output).toContain(`already running at ${launcher.baseUrl}`);
    expect((await fetch(`${launcher.baseUrl}/health/ready`)).status).toBe(200);
  });

  it.each([
    ['persistence', 'stampede_orders_stored_total'],
    ['money', 'stampede_outbox_handed_over_total'],
  ])('names where %s counts what it does', async (worker, metric) => {
    const url = new RegExp(`^ {6}${worker} +(\\S+)$`, 'm').exec(launcher.output)?.[1] ?? 'the welcome names none';
    const text = await eventually(async () => (await fetch(url)).text(), { withinMs: 5_000 });
    expect(text).toContain(metric);
  });

  it('leads a buyer to a page where the order is paid, also after money worker and simulator were killed', async () => {
    const before = { money: launcher.pid('money.pid'), simulator: launcher.pid('simulator.pid') };
    const order = await buy(launcher, directory);
    const paymentUrl = await paymentUrlOf(order);
    for (const pid of Object.values(before)) process.kill(pid, 'SIGKILL');
    await approve(paymentUrl);
    await eventually(async () => (await statusOf(order)) === 'paid', SOON);
  });

  it('is not removed by npm run reset', async () => {
    const refusal = { code: 1, stderr: expect.stringMatching(/is in use \(process \d+\)/) as string };
    await expect(runScript('reset.mjs', directory, '--yes')).rejects.toMatchObject(refusal);
    expect((await fetch(`${launcher.baseUrl}/health/ready`)).status).toBe(200);
  });

  it('keeps secrets and logs readable by their owner only, and prints no secret', () => {
    for (const file of ['secrets.json', 'logs', 'logs/api.log', 'logs/redis.log']) {
      expect(statSync(join(directory, file)).mode & 0o077).toBe(0);
    }
    expect(launcher.output).not.toContain(existingSecrets(directory).JWT_SECRET);
  });

  it('accepts what npm run token signs, as the role it was asked for', async () => {
    const audit = `${launcher.baseUrl}/v1/admin/sales/${saleIn(launcher)}/audit`;
    const ask = async (...args: string[]) => {
      const token = (await runScript('token.mjs', directory, ...args)).trim();
      return (await fetch(audit, { headers: { authorization: `Bearer ${token}` } })).status;
    };
    expect(await ask('--sub', 'alice', '--role', 'admin', '--ttl', '5m')).toBe(200);
    expect(await ask('--sub', 'alice')).toBe(403);
  });

  it.each(['api.pid', 'persistence.pid', 'redis/redis.pid', 'postgres/data/postmaster.pid'])(
    'sells and stores again by itself after the process of %s was killed',
    async (file) => {
      const pid = launcher.pid(file);
      process.kill(pid, 'SIGKILL');
      await eventually(() => launcher.pid(file) !== pid && isAlive(launcher.pid(file)), { withinMs: 30_000 });
      const order = await eventually(() => buy(launcher, directory), { withinMs: 30_000 });
      await eventually(async () => (await statusOf(order)) === 'pending_payment', { withinMs: 30_000 });
    },
  );
});

/** A module that makes every API process die while it starts. */
function cannotListen(directory: string): string {
  const file = join(directory, 'cannot-listen.cjs');
  writeFileSync(file, `if (process.argv[2] === 'api') throw new Error('planted');\n`);
  return file;
}

/** Runs the first curl of the welcome as a person would; answers what it prints. Never throws. */
async function buyAsPrinted({ output }: LauncherRun): Promise<string> {
  const command = /^ {4}curl -i (?:.*\\\n)+.*$/m.exec(output)?.[0] ?? 'echo the welcome has no curl';
  const { stdout } = await run('bash', ['-c', command]).catch((error: unknown) => error as { stdout: string });
  return stdout;
}

function saleIn({ output }: LauncherRun): string {
  return /^ {4}Sale +(\S+)$/m.exec(output)?.[1] ?? '';
}

/** Buys as somebody who has bought nothing yet; answers where to read the order, and how. */
async function buy(launcher: LauncherRun, directory: string): Promise<Bought> {
  const sub = `buyer-${randomUUID()}`;
  const headers = {
    authorization: `Bearer ${signToken({ secrets: existingSecrets(directory).JWT_SECRET ?? '' }, { sub, ttlSeconds: 600 })}`,
  };
  const orders = `${launcher.baseUrl}/v1/sales/${saleIn(launcher)}/orders`;
  const response = await fetch(orders, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': sub },
    body: '{"quantity":1}',
  });
  expect(response.status).toBe(202);
  return { url: `${orders}/${((await response.json()) as { orderId: string }).orderId}`, headers };
}

interface Bought {
  url: string;
  headers: Record<string, string>;
}

async function orderOf({ url, headers }: Bought): Promise<{ status: string; paymentUrl: string | null }> {
  return (await (await fetch(url, { headers })).json()) as { status: string; paymentUrl: string | null };
}

/** Where the order is to be paid, once that is known. */
async function paymentUrlOf(order: Bought): Promise<string> {
  const { paymentUrl } = await eventually(async () => {
    const shown = await orderOf(order);
    return typeof shown.paymentUrl === 'string' && { paymentUrl: shown.paymentUrl };
  }, SOON);
  return paymentUrl;
}

/** What the button of the payment page does, as soon as the simulator answers. */
async function approve(paymentUrl: string): Promise<void> {
  await eventually(async () => (await fetch(`${paymentUrl}/approve`, { method: 'POST' })).status === 200, SOON);
}

const statusOf = async (order: Bought): Promise<string> => (await orderOf(order)).status;

async function saleOf(launcher: LauncherRun): Promise<{ stock: { available: number } }> {
  const response = await fetch(`${launcher.baseUrl}/v1/sales/${saleIn(launcher)}`);
  return (await response.json()) as { stock: { available: number } };
}

function stopped({ output }: LauncherRun): string[] {
  return [...output.matchAll(/^ {2}stopping (\S+)$/gm)].map(([, name = '']) => name);
}
