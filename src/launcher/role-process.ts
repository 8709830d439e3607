import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, renameSync, fstatSync } from 'node:fs';
import { endInOrder, type Exit, exitOf, type Running } from '../platform/embedded/child-end.js';

/** The longest a role may finish what it has in hand; its own limit is shorter. */
const STOP_WITHIN_MS = 40_000;
/** Enough for every mistake of a configuration, one line each. */
const TAIL_BYTES_MAX = 8_192;

export interface RoleCommand {
  /** The program and its arguments, for Node. */
  args: string[];
  clone: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
}

/**
 * One role (`api`, `worker`) as a child process that writes to its log file.
 *
 * Promises:  the terminal's Ctrl-C does not reach it: the launcher decides the order. When the launcher is killed the
 *            role sees its IPC channel close, and ends by itself.
 */
export class RoleProcess implements Running {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child;
  readonly #logStart: number;

  constructor(private readonly command: RoleCommand) {
    const log = openSync(command.logFile, 'a', 0o600);
    this.#logStart = fstatSync(log).size;
    this.#child = spawn(process.execPath, command.args, {
      cwd: command.clone,
      env: command.env,
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.pid = this.#child.pid ?? 0;
    this.exited = exitOf(this.#child);
  }

  stop(): Promise<void> {
    return endInOrder(this.#child, this.exited, { signal: 'SIGTERM', withinMs: STOP_WITHIN_MS });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** What this process wrote, at most the last 8 KiB of it. */
  lastLines(): string[] {
    const log = openSync(this.command.logFile, 'r');
    try {
      const { size } = fstatSync(log);
      const from = Math.max(this.#logStart, size - TAIL_BYTES_MAX);
      const bytes = Buffer.alloc(size - from);
      readSync(log, bytes, 0, bytes.length, from);
      return bytes.toString('utf8').split('\n').filter((line) => line.trim() !== '');
    } finally {
      closeSync(log);
    }
  }
}

/** Begins a log; the one of the run before is kept as `<file>.1`. */
export function rotateLog(file: string): void {
  if (existsSync(file)) renameSync(file, `${file}.1`);
}
