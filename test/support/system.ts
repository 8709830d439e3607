import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool, request } from 'undici';
import { removePostgres, startPostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { startRedis } from '../../src/platform/embedded/embedded-redis.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { signToken } from '../../src/platform/http/access-token.js';
import { migrate } from '../../src/platform/postgres/migrate.js';
import type { Audit } from '../../src/reconciliation/sale-audit.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { type Ended, RoleProcesses } from './role-processes.js';
import { type Store, StoreFiles } from './store-files.js';

export const JWT_SECRET = 'a secret of the tests that is long enough';
const OPEN_WITHIN_MS = 10_000;
const QUIESCENT_WITHIN_MS = 60_000;

export type Part = 'api' | 'worker' | Store;
/** A second worker runs only where a test starts it. */
export type Role = 'api' | 'worker' | 'worker-2';

export interface NewSale {
  stock: number;
  perUserLimit?: number;
  maxPerOrder?: number;
  startsInMs?: number;
  endsInMs?: number;
}

/** A sale goes on for an hour, and has begun an hour ago, unless it is said otherwise. */
const HOUR_MS = 3_600_000;

/**
 * The whole system as it runs in production: `node dist/main` api and worker as processes of their own, on a PostgreSQL
 * and a Redis of their own. Any part can be killed and started again where it stood.
 */
export class TestSystem {
  readonly #directory = mkdtempSync(join(tmpdir(), 'stampede-system-'));
  readonly #roles = new RoleProcesses();
  /** What the stores keep on disk; only while they do not run may it be changed. */
  readonly files = new StoreFiles(this.#directory);
  #postgres?: EmbeddedServer;
  #redis?: EmbeddedServer;
  #port = 0;
  #http!: Pool;

  private constructor(private readonly environment: Record<string, string>) {
    chmodSync(this.#directory, 0o711); // as root, PostgreSQL runs as somebody else
  }

  /** @param environment settings beyond the stores, the port and the secret. */
  static async start(environment: Record<string, string> = {}): Promise<TestSystem> {
    const system = new TestSystem(environment);
    system.#port = await freePort();
    system.#http = new Pool(system.url, { connections: 256, pipelining: 1 });
    try {
      await Promise.all([system.startPart('postgres'), system.startPart('redis')]);
      await migrate(system.databaseUrl);
      await Promise.all([system.startPart('api'), system.startPart('worker')]);
      return system;
    } catch (error) {
      await system.close();
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get databaseUrl(): string {
    return this.#postgres?.url ?? '';
  }

  get redisUrl(): string {
    return this.#redis?.url ?? '';
  }

  /** Undefined while it does not run. */
  pidOf(part: Part | Role): number | undefined {
    if (part === 'postgres') return this.#postgres?.pid;
    if (part === 'redis') return this.#redis?.pid;
    return this.#roles.pidOf(part);
  }

  /** Keep-alive connections to the API. */
  get http(): Pool {
    return this.#http;
  }

  token(sub: string, role?: 'admin'): string {
    return signToken(JWT_SECRET, { sub, role, ttlSeconds: 3_600 });
  }

  /** @param environment settings of this one process. */
  async startPart(part: Part | Role, environment: Record<string, string> = {}): Promise<void> {
    if (part === 'postgres') this.#postgres = await startPostgres({ directory: join(this.#directory, 'postgres') });
    else if (part === 'redis') this.#redis = await startRedis({ directory: join(this.#directory, 'redis') });
    else await this.startRole(part, environment);
  }

  /** SIGKILL; resolves when it is gone. */
  async killPart(part: Part | Role): Promise<void> {
    if (part === 'postgres') await this.#postgres?.kill();
    else if (part === 'redis') await this.#redis?.kill();
    else await this.#roles.end(part, 'SIGKILL');
  }

  /** SIGTERM; @returns the exit code. */
  async stopRole(role: Role): Promise<number | null> {
    return (await this.#roles.end(role, 'SIGTERM'))?.code ?? null;
  }

  /** SIGSTOP, until `resumeRole`. */
  pauseRole(role: Role): void {
    this.#roles.pause(role);
  }

  resumeRole(role: Role): void {
    this.#roles.resume(role);
  }

  /** Resolves when a role has ended by itself, as at a failpoint. */
  untilEnded(role: Role): Promise<Ended | undefined> {
    return this.#roles.untilEnded(role);
  }

  /** Ends a store in order: what it had in memory is on disk. */
  async stopStore(store: Store): Promise<void> {
    await (store === 'redis' ? this.#redis : this.#postgres)?.stop();
  }

  /** Creates a sale, and waits until it is no longer `unavailable`. */
  async createSale({
    stock,
    perUserLimit = 1,
    startsInMs = -HOUR_MS,
    endsInMs = HOUR_MS,
    ...terms
  }: NewSale): Promise<string> {
    const sale = {
      name: 'Mug',
      sku: 'MUG-1',
      priceMinor: 1999,
      currency: 'USD',
      stock,
      perUserLimit,
      startsAt: new Date(Date.now() + startsInMs).toISOString(),
      endsAt: new Date(Date.now() + endsInMs).toISOString(),
      ...terms,
    };
    const { saleId } = (await this.admin('POST', '/v1/admin/sales', sale)) as { saleId: string };
    await eventually(async () => (await this.statusOf(saleId)) !== 'unavailable', { withinMs: OPEN_WITHIN_MS });
    return saleId;
  }

  async statusOf(saleId: string): Promise<unknown> {
    return ((await this.get(`/v1/sales/${saleId}`)) as { status: unknown }).status;
  }

  async admin(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const { statusCode, body: answer } = await request(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token('operator', 'admin')}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (statusCode >= 300) throw new Error(`${method} ${path} answered ${statusCode}: ${text}`);
    return JSON.parse(text);
  }

  async get(path: string): Promise<unknown> {
    const { body } = await request(this.url + path);
    return body.json();
  }

  /** An order of this buyer, once Postgres has it. */
  untilStored(path: string, buyer: string): Promise<Record<string, unknown>> {
    return eventually(
      async () => {
        const { body } = await request(this.url + path, { headers: { authorization: `Bearer ${this.token(buyer)}` } });
        const order = (await body.json()) as Record<string, unknown>;
        return order.status === 'pending_payment' && order;
      },
      { withinMs: QUIESCENT_WITHIN_MS },
    );
  }

  /** The audit once nothing is in flight any more. */
  quiescentAudit(saleId: string): Promise<Audit> {
    return eventually(
      async () => {
        const audit = (await this.admin('GET', `/v1/admin/sales/${saleId}/audit`)) as Audit;
        if (!audit.quiescent) throw new Error(`still in flight: ${JSON.stringify(audit)}`);
        return audit;
      },
      { withinMs: QUIESCENT_WITHIN_MS },
    );
  }

  /** Everything it started is ended, and what was written is removed. */
  async close(): Promise<void> {
    await this.#http.destroy();
    await this.#roles.killAll();
    await Promise.all([this.#redis?.kill(), this.#postgres?.kill()]);
    await removePostgres(join(this.#directory, 'postgres'));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  private startRole(name: Role, environment: Record<string, string>): Promise<void> {
    return this.#roles.start(name, name === 'api' ? 'api' : 'worker', {
      PATH: process.env.PATH,
      DATABASE_URL: this.databaseUrl,
      REDIS_URL: this.redisUrl,
      JWT_SECRET,
      PORT: String(this.#port),
      ...this.environment,
      ...environment,
    });
  }
}
