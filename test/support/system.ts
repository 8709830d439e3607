import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool, request } from 'undici';
import { signToken } from '../../src/platform/http/access-token.js';
import { migrate } from '../../src/platform/postgres/migrate.js';
import type { Audit } from '../../src/reconciliation/sale-audit.js';
import { aSale, type NewSale } from './a-sale.js';
import { DocumentedAnswers } from './documented-answers.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { type Ended, NO_RATE_LIMIT, RoleProcesses } from './role-processes.js';
import { type Store, StoreFiles } from './store-files.js';
import { isStore, STORES, SystemStores, type SystemStore } from './system-stores.js';

export const JWT_SECRET = 'a secret of the tests that is long enough';
const OPEN_WITHIN_MS = 10_000;
const QUIESCENT_WITHIN_MS = 60_000;

export const WEBHOOK_SECRET = 'a secret of the webhooks that is long enough';

export type Part = 'api' | 'worker' | SystemStore;
/** A second worker, and the simulator, run only where a test starts them. The worker has all stations, unless it is told otherwise. */
export type Role = 'api' | 'worker' | 'worker-2' | 'simulator';

/**
 * The whole system as it runs in production: `node dist/main` api and worker as processes of their own, on a PostgreSQL
 * and a Redis of their own. Any part can be killed and started again where it stood.
 */
export class TestSystem {
  readonly #directory = mkdtempSync(join(tmpdir(), 'stampede-system-'));
  readonly #roles = new RoleProcesses();
  /** What the stores keep on disk; only while they do not run may it be changed. */
  readonly files = new StoreFiles(this.#directory);
  readonly #stores = new SystemStores(this.#directory);
  #port = 0;
  #simulatorPort = 0;
  #http!: Pool;
  #answers: DocumentedAnswers | undefined;

  private constructor(private readonly environment: Record<string, string>) {
    chmodSync(this.#directory, 0o711); // as root, PostgreSQL runs as somebody else
  }

  /** @param environment settings beyond the stores, the port and the secret. */
  static async start(environment: Record<string, string> = {}): Promise<TestSystem> {
    const system = new TestSystem({ ...NO_RATE_LIMIT, ...environment });
    [system.#port, system.#simulatorPort] = [await freePort(), await freePort()];
    system.#http = new Pool(system.url, { connections: 256, pipelining: 1 });
    try {
      await Promise.all(STORES.map((store) => system.startPart(store)));
      await migrate(system.databaseUrl);
      await Promise.all([system.startPart('api'), system.startPart('worker')]);
      system.#answers = await DocumentedAnswers.of(system.url);
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
    return this.#stores.urlOf('postgres');
  }

  get redisUrl(): string {
    return this.#stores.urlOf('redis');
  }

  get queueRedisUrl(): string {
    return this.#stores.urlOf('queue-redis');
  }

  get simulatorUrl(): string {
    return `http://127.0.0.1:${this.#simulatorPort}`;
  }

  /** Undefined while it does not run. */
  pidOf(part: Part | Role): number | undefined {
    return isStore(part) ? this.#stores.pidOf(part) : this.#roles.pidOf(part);
  }

  /** Keep-alive connections to the API. */
  get http(): Pool {
    return this.#http;
  }

  /** Every answer of the API is held against /openapi.json; a test does it itself with what it gets without undici. */
  get answers(): DocumentedAnswers {
    if (!this.#answers) throw new Error('the system has not started');
    return this.#answers;
  }

  token(sub: string, role?: 'admin'): string {
    return signToken(JWT_SECRET, { sub, role, ttlSeconds: 3_600 });
  }

  /** @param environment settings of this one process. @param options of its command line, such as a worker's `--stations`. */
  async startPart(
    part: Part | Role,
    environment: Record<string, string> = {},
    options: readonly string[] = [],
  ): Promise<void> {
    if (isStore(part)) await this.#stores.start(part);
    else await this.startRole(part, environment, options);
  }

  /** SIGKILL; resolves when it is gone. */
  async killPart(part: Part | Role): Promise<void> {
    if (isStore(part)) await this.#stores.kill(part);
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
    await this.#stores.stop(store);
  }

  /** Creates a sale, and waits until it is no longer `unavailable`. */
  async createSale(wishes: NewSale): Promise<string> {
    const { saleId } = (await this.admin('POST', '/v1/admin/sales', aSale(wishes))) as { saleId: string };
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

  /** Everything it started is ended, and what was written is removed. @throws when an answer was not as /openapi.json has it. */
  async close(): Promise<void> {
    await this.#http.destroy();
    await this.#roles.killAll();
    await this.#stores.remove();
    rmSync(this.#directory, { recursive: true, force: true });
    this.#answers?.close();
  }

  private startRole(name: Role, environment: Record<string, string>, options: readonly string[]): Promise<void> {
    if (name === 'simulator') return this.startSimulator(environment);
    return this.#roles.start(name, ['dist/main.js', name === 'api' ? 'api' : 'worker', ...options], {
      PATH: process.env.PATH,
      DATABASE_URL: this.databaseUrl,
      REDIS_URL: this.redisUrl,
      QUEUE_REDIS_URL: this.queueRedisUrl,
      JWT_SECRET,
      PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
      PAYMENT_GATEWAY_URL: this.simulatorUrl,
      PORT: String(this.#port),
      ...this.environment,
      ...environment,
    });
  }

  private startSimulator(environment: Record<string, string>): Promise<void> {
    return this.#roles.start('simulator', ['dist/simulator.js'], {
      PATH: process.env.PATH,
      SIMULATOR_PORT: String(this.#simulatorPort),
      SIMULATOR_WEBHOOK_URL: `${this.url}/v1/payments/webhooks`,
      SIMULATOR_DIRECTORY: join(this.#directory, 'simulator'),
      PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
      ...environment,
    });
  }
}
