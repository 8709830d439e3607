import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { endInOrder, type Exit, exitOf, type Running } from '../platform/embedded/child-end.js';
import { writeWhole } from '../platform/embedded/kept-files.js';
import { rememberParent, stopOrphan, type Traces } from '../platform/embedded/stop-orphan.js';

/** The longest a role may finish what it has in hand; its own limit is shorter. */
const STOP_WITHIN_MS = 40_000;
/** Enough for every mistake of a configuration, one line each. */
const TAIL_BYTES_MAX = 8_192;

/**
 * The program of each role and what stands behind it, in the order in which they are stopped: what takes requests first. Money
 * before the simulator, so that its calls in hand are answered; what the simulator cannot tell any more it tells next time.
 */
export const PROGRAMS = {
  api: ['main.js', 'api'],
  persistence: ['main.js', 'worker', '--stations', 'sales,persistence,compensation,guard,reconciliation'],
  money: ['main.js', 'worker', '--stations', 'outbox,payment,rewards,expiry'],
  simulator: ['simulator.js'],
} as const satisfies Record<string, readonly [string, ...string[]]>;
export type RoleName = keyof typeof PROGRAMS;
export const ROLES = Object.keys(PROGRAMS) as RoleName[];

/**
 * On one machine storing goes first: who was accepted waits for it, while a payment may wait for a moment. Niceness of the
 * roles that stand back; `npm run bench:money` measures what that is worth.
 */
export const NICENESS: Partial<Record<RoleName, number>> = { money: 10, simulator: 10 };

export interface RolePlace {
  clone: string;
  /** The data directory: holds the log and the process id. */
  directory: string;
}

/**
 * One role as a child process that writes to its log file.
 *
 * Promises:  the terminal's Ctrl-C does not reach it: the launcher decides the order. When the launcher is killed the
 *            role sees its IPC channel close, and ends by itself.
 */
export class RoleProcess implements Running {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #logStart: number;

  constructor(role: RoleName, place: RolePlace, env: NodeJS.ProcessEnv) {
    this.#logFile = logOf(role, place);
    const log = openSync(this.#logFile, 'a', 0o600);
    this.#logStart = fstatSync(log).size;
    const [, ...words] = PROGRAMS[role];
    this.#child = spawn(process.execPath, [programOf(role, place), ...words], {
      cwd: place.clone,
      env,
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.pid = this.#child.pid ?? 0;
    standBack(this.pid, NICENESS[role]);
    this.#leaveTraces(tracesOf(role, place));
    this.exited = exitOf(this.#child);
  }

  stop(): Promise<void> {
    return endInOrder(this.#child, this.exited, { signal: 'SIGTERM', withinMs: STOP_WITHIN_MS });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  #leaveTraces(traces: Traces): void {
    try {
      rememberParent(traces);
      writeWhole(traces.pidFile, `${this.pid}\n`);
    } catch {
      // A full disk must not keep the role from running: without traces the next start just cannot wait for its end.
    }
  }

  /** What this process wrote, at most the last 8 KiB of it. */
  lastLines(): string[] {
    const log = openSync(this.#logFile, 'r');
    try {
      const { size } = fstatSync(log);
      const from = Math.max(this.#logStart, size - TAIL_BYTES_MAX);
      const bytes = Buffer.alloc(size - from);
      readSync(log, bytes, 0, bytes.length, from);
      return bytes
        .toString('utf8')
        .split('\n')
        .filter((line) => line.trim() !== '');
    } finally {
      closeSync(log);
    }
  }
}

/**
 * Waits for roles whose launcher was killed: they end by themselves, but not before they have answered what they
 * received, and until then one of them holds the port.
 */
export async function stopOrphanedRoles(place: RolePlace): Promise<void> {
  await Promise.all(ROLES.map((role) => stopOrphan(tracesOf(role, place))));
}

export function logOf(role: RoleName, { directory }: RolePlace): string {
  return join(directory, 'logs', `${role}.log`);
}

function programOf(role: RoleName, { clone }: RolePlace): string {
  return join(clone, 'dist', PROGRAMS[role][0]);
}

function tracesOf(role: RoleName, place: RolePlace): Traces {
  return {
    name: role,
    pidFile: join(place.directory, `${role}.pid`),
    argument: programOf(role, place),
    workingDirectory: place.clone,
    parentFile: join(place.directory, `${role}.parent`),
    stopSignal: 'SIGTERM',
  };
}

function standBack(pid: number, niceness: number | undefined): void {
  if (niceness === undefined || pid === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // Where it is not allowed, or the process has ended already, everything works all the same.
  }
}

/** Begins a log; the one of the run before is kept as `<file>.1`. */
export function rotateLog(file: string): void {
  if (existsSync(file)) renameSync(file, `${file}.1`);
}
