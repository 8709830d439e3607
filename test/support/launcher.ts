import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freePort } from './taken-port.js';

const CLONE = join(__dirname, '../..');

/** What every start may take, on a machine that runs other tests as well. */
const WELCOME_WITHIN_MS = 60_000;

/** One run of dist/launcher.js, which is what `npm start` runs once everything is installed and compiled. */
export class LauncherRun {
  static readonly #alive = new Set<LauncherRun>();

  output = '';
  readonly baseUrl: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  private constructor(
    private readonly directory: string,
    readonly port: number,
    env: NodeJS.ProcessEnv,
  ) {
    this.baseUrl = `http://127.0.0.1:${port}`;
    this.#child = spawn(process.execPath, [join(CLONE, 'dist/launcher.js')], {
      env: { ...withoutOurs(process.env), STAMPEDE_DIR: directory, PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.#ended = once(this.#child, 'close');
    LauncherRun.#alive.add(this);
    void this.#ended.then(() => LauncherRun.#alive.delete(this));
  }

  /** Starts it on a port that is free now, unless one is given. */
  static async start(
    directory: string,
    { port, env = {} }: { port?: number; env?: NodeJS.ProcessEnv } = {},
  ): Promise<LauncherRun> {
    return new LauncherRun(directory, port ?? (await freePort()), env);
  }

  /** Ends those that a failed test left running. Their roles follow them; their servers end with their directory. */
  static async killAll(): Promise<void> {
    for (const run of LauncherRun.#alive) run.signal('SIGKILL');
    await Promise.all([...LauncherRun.#alive].map((run) => run.untilEnded()));
  }

  /** Resolves when everything runs and the welcome stands on the terminal. */
  async untilWelcome(): Promise<void> {
    await this.untilSaid('Ctrl-C stops everything');
  }

  async untilSaid(text: string): Promise<void> {
    const ended = this.#ended.then(() => {
      if (!this.output.includes(text)) throw new Error(`The launcher ended without saying '${text}':\n${this.output}`);
    });
    const said = eventually(() => this.output.includes(text) || this.hasEnded, { withinMs: WELCOME_WITHIN_MS });
    await Promise.race([ended, said]);
    if (!this.output.includes(text)) await ended;
  }

  /** Resolves when a role has written this into its log. */
  async untilLogged(role: string, text: string): Promise<void> {
    const log = join(this.directory, 'logs', `${role}.log`);
    await eventually(() => readFileSync(log, 'utf8').includes(text), { withinMs: WELCOME_WITHIN_MS });
  }

  /** The exit code, or the signal that ended it. */
  async untilEnded(): Promise<number | string> {
    const [code, signal] = (await this.#ended) as [number | null, string | null];
    return code ?? signal ?? 'unknown';
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ctrl-C; answers the exit code. */
  async interrupt(): Promise<number | string> {
    this.signal('SIGINT');
    return this.untilEnded();
  }

  /** The process ids of everything it started, by the files they are written to. */
  pids(): number[] {
    const roles = ['api.pid', 'persistence.pid', 'money.pid', 'simulator.pid'];
    const servers = ['redis/redis.pid', 'queue-redis/redis.pid', 'postgres/data/postmaster.pid'];
    return [...roles, ...servers].map((file) => this.pid(file));
  }

  pid(file: string): number {
    return Number.parseInt(readFileSync(join(this.directory, file), 'utf8'), 10);
  }
}

/** What whoever runs the tests has set for a Stampede of their own would give the launcher other stores, or another gateway. */
const OURS =
  /^(DATABASE_URL|REDIS_URL|QUEUE_REDIS_URL|JWT_.*|PAYMENT_.*|STRIPE_.*|SIMULATOR_.*|METRICS_PORT|NODE_ENV)$/;

function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OURS.test(name)));
}
