import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { StartError } from './start-error.js';

const STOP_WITHIN_MS = 60_000;
const KILL_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** By what a child of an earlier run is known. */
export interface Traces {
  name: string;
  /** Its process id in the first line. */
  pidFile: string;
  /** An argument that only this very child was started with: it names its directory. */
  argument: string;
  /** Where its processes work. */
  workingDirectory: string;
  /** Written by `rememberParent`: who started it last. */
  parentFile: string;
  stopSignal: NodeJS.Signals;
}

/** The child runs, and so does who started it. */
export class InUse extends StartError {
  constructor(
    { name, workingDirectory }: Traces,
    readonly pid: number,
  ) {
    super(`${name} in ${workingDirectory} is in use (process ${pid}): stop the program that started it`);
  }
}

/**
 * Makes sure that no child of an earlier run is left before one is started in its place.
 *
 * Promises:  a child whose parent was killed is stopped in order; a pid file is removed when its process id meanwhile
 *            belongs to another program and no process works in the directory.
 * Does not:  touch a process that does not carry that very argument in its command line.
 * Does not:  stop a child whose parent lives: that is a second start, and throws InUse.
 */
export async function stopOrphan(traces: Traces): Promise<void> {
  const pid = pidIn(traces.pidFile);
  if (pid === undefined || !isRunning(pid)) return; // the server itself judges a pid file nobody stands behind
  if (!carries(pid, traces.argument)) {
    if (processesWorkingIn(traces.workingDirectory)?.length === 0) unlinkSync(traces.pidFile);
    return;
  }
  if (parentOf(pid) === pidIn(traces.parentFile)) {
    throw new InUse(traces, pid);
  }
  process.kill(pid, traces.stopSignal);
  if (await isGone(pid, traces.argument, STOP_WITHIN_MS)) return;
  process.kill(pid, 'SIGKILL');
  if (await isGone(pid, traces.argument, KILL_WITHIN_MS)) return;
  throw new StartError(
    `${traces.name} (process ${pid}) was left by an earlier run and cannot be stopped: is its disk hanging?`,
  );
}

/** To be called before a server is started: a server that is found later with another parent is an orphan. */
export function rememberParent(traces: Traces): void {
  writeFileSync(traces.parentFile, `${process.pid}\n`, { mode: 0o600 });
}

/** Resolves when no process works in `directory` any more: a killed PostgreSQL leaves children that take a moment to notice. */
export async function untilNobodyWorksIn(directory: string): Promise<void> {
  const deadline = Date.now() + KILL_WITHIN_MS;
  while (processesWorkingIn(directory)?.length && Date.now() < deadline) await delay(LOOK_EVERY_MS);
}

function pidIn(file: string): number | undefined {
  const pid = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : NaN;
  return pid > 0 ? pid : undefined;
}

function isRunning(pid: number): boolean {
  return commandLine(pid).length > 0;
}

function carries(pid: number, argument: string): boolean {
  return commandLine(pid).some(
    (part) => part === argument || (process.platform !== 'linux' && part.includes(argument)),
  );
}

/** The arguments of a process; elsewhere than on Linux all in one string. Empty when there is none, or a zombie. */
function commandLine(pid: number): string[] {
  try {
    const line =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    return line.split('\0').filter((part) => part !== '');
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const text =
      process.platform === 'linux'
        ? /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        : execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    return Number(text);
  } catch {
    return undefined;
  }
}

async function isGone(pid: number, argument: string, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (carries(pid, argument)) {
    if (Date.now() > deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}

/** Unknown (`undefined`) where there is no /proc. Processes of other users that we may not look into are not counted. */
function processesWorkingIn(directory: string): number[] | undefined {
  if (process.platform !== 'linux') return undefined;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === directory;
      } catch {
        return false;
      }
    });
}
