import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { untilStarted } from './until-started.js';

/** The few buyers of a test ask again and again. */
export const NO_RATE_LIMIT = { BUYER_RATE_PER_SECOND: '100000', BUYER_RATE_BURST: '100000' };

/** How a process ended: by an exit code, or by a signal. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Processes of Node, each under a name of its own. A name is free again when its process has ended. */
export class RoleProcesses {
  readonly #children = new Map<string, ChildProcess>();

  /** Resolves when it says that it has started. @param program of Node, with its arguments. */
  async start(name: string, program: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
    const child = spawn(process.execPath, program, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: environment,
    });
    this.#children.set(name, child);
    await untilStarted(child, name);
  }

  /** Undefined while it does not run. */
  pidOf(name: string): number | undefined {
    const child = this.#children.get(name);
    return child && endOf(child) === undefined ? child.pid : undefined;
  }

  /** Stops its clock, as it were: it keeps all it has, and does nothing. */
  pause(name: string): void {
    this.#children.get(name)?.kill('SIGSTOP');
  }

  resume(name: string): void {
    this.#children.get(name)?.kill('SIGCONT');
  }

  /** Resolves when it has ended, whoever ended it; at once when it has. */
  async untilEnded(name: string): Promise<Ended | undefined> {
    const child = this.#children.get(name);
    if (!child) return undefined;
    if (endOf(child) === undefined) await once(child, 'exit');
    return endOf(child);
  }

  async end(name: string, signal: NodeJS.Signals): Promise<Ended | undefined> {
    const child = this.#children.get(name);
    if (child && endOf(child) === undefined) child.kill(signal);
    return this.untilEnded(name);
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((name) => this.end(name, 'SIGKILL')));
  }
}

const endOf = ({ exitCode, signalCode }: ChildProcess): Ended | undefined =>
  exitCode === null && signalCode === null ? undefined : { code: exitCode, signal: signalCode };
