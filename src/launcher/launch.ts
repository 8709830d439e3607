import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findRedis } from '../platform/embedded/redis-binary.js';
import { StartError } from '../platform/embedded/start-error.js';
import { migrate } from '../platform/postgres/migrate.js';
import { isServed, openSale, type ShownSale } from './demo-sale.js';
import { Ensemble } from './ensemble.js';
import { keptSecrets } from './launch-secrets.js';
import type { LaunchSettings } from './launch-settings.js';
import { serverSupervision, SERVERS } from './own-servers.js';
import { logOf, ROLES, rotateLog } from './role-process.js';
import { roleEnvironments, type RoleEnvironments } from './role-environments.js';
import { roleSupervision } from './role-supervision.js';
import { signToken } from './sign-token.js';
import type { Terminal } from './terminal.js';
import { welcome, type Welcome } from './welcome.js';

/** Each takes about a second: roles that start, then the guard that opens the lanes. The rest is room for a slow machine. */
const READY_WITHIN_MS = 60_000;
const LANE_OPEN_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;
const TOKEN_TTL_SECONDS = 24 * 60 * 60;

export interface LaunchPlan {
  settings: LaunchSettings;
  /** The real path of the data directory. */
  directory: string;
  clone: string;
  env: NodeJS.ProcessEnv;
  terminal: Terminal;
}

/** One run of everything: servers, migrations, roles, demo sale, welcome. */
export class Launch {
  readonly #ensemble = new Ensemble([...ROLES, ...SERVERS]);
  readonly #failed: Promise<never>;
  #fail: (error: StartError) => void = () => undefined;
  #ready = false;

  constructor(private readonly plan: LaunchPlan) {
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
  }

  /** Never resolves. Throws when something cannot be started, or later when a role says that its configuration is wrong. */
  async run(onRunning: () => void): Promise<never> {
    await Promise.race([this.#start(), this.#failed]);
    onRunning();
    return this.#failed;
  }

  /** The roles finish what they have in hand, then Redis and PostgreSQL write what they have to disk. */
  async stop(): Promise<void> {
    await this.#ensemble.stop((name) => this.plan.terminal.say(`  stopping ${name}`));
  }

  /** At once: what was acknowledged is on disk all the same. */
  async kill(): Promise<void> {
    await this.#ensemble.kill();
  }

  async #start(): Promise<void> {
    const { settings, terminal, clone } = this.plan;
    const urls = settings.external
      ? { DATABASE_URL: settings.external.databaseUrl, REDIS_URL: settings.external.redisUrl }
      : await this.#startServers();
    await terminal.step('Migrating the database', () =>
      migrateOrExplain(urls.DATABASE_URL, join(clone, 'prisma/migrations')),
    );
    const env = { ...this.#secrets(), ...this.plan.env, ...urls, PORT: String(settings.port), HOST: settings.host };
    const { withSimulator } = settings;
    const environments = await roleEnvironments(this.plan.directory, env, {
      baseUrl: baseUrl(settings),
      withSimulator,
    });
    await terminal.step(`Starting API and workers${withSimulator ? ', payment simulator' : ''}`, () =>
      this.#startRoles(environments),
    );
    const demo = await this.#demo(env);
    const metricsPort = Number(this.plan.env.METRICS_PORT) || settings.port;
    terminal.say(
      welcome({
        baseUrl: baseUrl(settings),
        metrics: `${baseUrl({ ...settings, port: metricsPort })}/metrics`,
        workerMetrics: environments.workerMetrics,
        logs: `${shortest(this.#logs)}/`,
        ...(demo && { demo }),
      }),
    );
  }

  async #startServers(): Promise<{ DATABASE_URL: string; REDIS_URL: string; QUEUE_REDIS_URL: string }> {
    const { terminal, directory } = this.plan;
    await terminal.step("Finding Redis (the first time: Debian's package)", findRedis);
    const start = (name: (typeof SERVERS)[number]) =>
      this.#ensemble.add(name, serverSupervision(name, directory, this.#reporter(name)));
    return terminal.step('Starting PostgreSQL and Redis', async () => {
      const [postgres, redis, queueRedis] = await Promise.all([
        start('postgres'),
        start('redis'),
        start('queue-redis'),
      ]);
      return {
        DATABASE_URL: postgres.url,
        REDIS_URL: redis.url,
        QUEUE_REDIS_URL: this.plan.env.QUEUE_REDIS_URL || queueRedis.url,
      };
    });
  }

  async #startRoles(environments: RoleEnvironments): Promise<void> {
    for (const role of ROLES) {
      if (role === 'simulator' && !this.plan.settings.withSimulator) continue;
      rotateLog(logOf(role, this.plan));
      const watch = {
        env: environments.of[role],
        report: this.#reporter(role),
        fail: this.#fail,
        wasReady: () => this.#ready,
      };
      await this.#ensemble.add(role, roleSupervision(role, this.plan, watch));
    }
    await this.#untilReady();
  }

  async #untilReady(): Promise<void> {
    const isReady = () => answersReady(`${baseUrl(this.plan.settings)}/health/ready`);
    if (!(await becomesTrue(isReady, READY_WITHIN_MS))) {
      throw new StartError(
        `The API was not ready within ${READY_WITHIN_MS / 1000} s: see api.log and the others in ${shortest(this.#logs)}`,
      );
    }
    this.#ready = true;
  }

  /** Nothing without a secret to sign the admin's token with. */
  async #demo(env: NodeJS.ProcessEnv): Promise<Welcome['demo']> {
    const { JWT_SECRET: secrets, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = env;
    if (!secrets) return undefined;
    const token = (sub: string, role: 'buyer' | 'admin') =>
      signToken({ secrets, issuer, audience }, { sub, role, ttlSeconds: TOKEN_TTL_SECONDS });
    // A buyer of their own for every start: an earlier one may have bought all they are allowed to.
    const buyer = `buyer-${Date.now().toString(36)}`;
    const adminToken = token('admin', 'admin');
    const sale = await this.plan.terminal.step('Demo sale', () => this.#saleOnOffer(adminToken));
    return { sale, buyer, buyerToken: token(buyer, 'buyer'), adminToken };
  }

  /** Readiness says nothing of lanes. One that stays closed is the guard's affair: everything else runs, so it is shown. */
  async #saleOnOffer(adminToken: string): Promise<ShownSale> {
    const url = baseUrl(this.plan.settings);
    const sale = await openSale(url, adminToken);
    await becomesTrue(() => isServed(url, sale), LANE_OPEN_WITHIN_MS);
    return sale;
  }

  /** In production nothing is invented: a role that misses a secret says so. */
  #secrets(): NodeJS.ProcessEnv {
    if (this.plan.settings.production) return {};
    const { JWT_SECRET, ...others } = keptSecrets(this.plan.directory);
    return this.plan.env.JWT_PUBLIC_KEY ? others : { JWT_SECRET, ...others };
  }

  #reporter(name: string) {
    return (why: string, againInMs: number) =>
      this.plan.terminal.say(
        `  ${name} ${why}; starting it again in ${againInMs / 1000} s (${shortest(join(this.#logs, `${name}.log`))})`,
      );
  }

  get #logs(): string {
    return join(this.plan.directory, 'logs');
  }
}

/** Where a browser on this machine finds the API. */
export function baseUrl({ host, port }: LaunchSettings): string {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${port}`;
}

/** Looks until it is so; false when it is not within that time. */
async function becomesTrue(look: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (!(await look())) {
    if (Date.now() > deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}

async function answersReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(READY_WITHIN_MS) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function migrateOrExplain(databaseUrl: string, directory: string): Promise<void> {
  try {
    await migrate(databaseUrl, directory);
  } catch (error) {
    const { message, code } = error as { message: string; code?: unknown };
    throw new StartError(`The database could not be migrated: ${message || String(code)}`);
  }
}

function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}
