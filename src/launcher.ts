import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { baseUrl, Launch } from './launcher/launch.js';
import { type LaunchSettings, readLaunchSettings } from './launcher/launch-settings.js';
import { stopOrphanedRoles } from './launcher/role-process.js';
import { Terminal } from './launcher/terminal.js';
import { whyNotFree } from './platform/embedded/local-port.js';
import { claim, type Status } from './platform/embedded/single-instance.js';
import { EXIT_CONFIGURATION, StartError } from './platform/embedded/start-error.js';

/**
 * The main program of `npm start`: everything a person needs to try a sale, in one terminal.
 *
 * Promises:  a second start on the same data directory says where the first one runs, and exits 0; Ctrl-C stops API,
 *            workers, simulator, Redis and PostgreSQL in this order and exits 0; a second Ctrl-C does not wait.
 * Promises:  after kill -9 nothing has to be cleared away: the roles end by themselves, and the next start finds
 *            servers that were left behind and stops them in order.
 * Does not:  run in production without DATABASE_URL and REDIS_URL.
 */

const CLONE = fileURLToPath(new URL('..', import.meta.url));
/** npm hands the terminal's Ctrl-C on to us once more: what comes this soon after the first is the same one. */
const SAME_SIGNAL_WITHIN_MS = 500;
/** A server that is just being set up cannot be killed yet; the next start finds it. */
const KILL_WITHIN_MS = 3_000;

async function main(terminal: Terminal): Promise<number> {
  const settings = readLaunchSettings(process.env, CLONE);
  const directory = openDirectory(settings.directory);
  const status = { state: 'starting', url: baseUrl(settings), pid: process.pid };
  const claimed = await claim(directory, () => status);
  if (!claimed.held) return sayWhoRuns(claimed.holder, terminal);
  await stopOrphanedRoles({ clone: CLONE, directory });
  await refuseTakenPort(settings);

  const launch = new Launch({ settings, directory, clone: CLONE, env: process.env, terminal });
  let exitCode = 0;
  const stopAsked = onStopSignals(() => {
    exitCode = 1;
    void Promise.race([launch.kill(), delay(KILL_WITHIN_MS)]).finally(() => process.exit(exitCode));
  });
  try {
    await Promise.race([launch.run(() => (status.state = 'running')), stopAsked]);
    terminal.say('\n  Stopping (Ctrl-C again does not wait)');
  } finally {
    status.state = 'stopping';
    terminal.endSteps();
    await launch.stop();
    claimed.release();
  }
  return exitCode;
}

/** A program that is running or about to is what was asked for; one that is stopping is not. */
function sayWhoRuns({ state, url, pid }: Status, terminal: Terminal): number {
  if (state !== 'running' && state !== 'starting') {
    throw new StartError(`Stampede is ${state} (process ${pid}): start again when it has ended`);
  }
  terminal.say(`Stampede is already ${state} at ${url} (process ${pid})`);
  return 0;
}

function openDirectory(path: string): string {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700; // as root, PostgreSQL passes through as another user
  mkdirSync(join(path, 'logs'), { recursive: true, mode: 0o700 });
  chmodSync(path, mode);
  return realpathSync(path);
}

async function refuseTakenPort({ port, host }: LaunchSettings): Promise<void> {
  const why = await whyNotFree(port, host);
  if (why === undefined) return;
  if (why !== 'EADDRINUSE') {
    throw new StartError(`HOST and PORT: cannot listen on ${host}, port ${port} (${why})`, EXIT_CONFIGURATION);
  }
  throw new StartError(
    `PORT ${port} is taken by another program: stop that one, or choose another, as in PORT=${port + 1} npm start`,
  );
}

/** Resolves at the first signal; calls `force` at the second. */
function onStopSignals(force: () => void): Promise<void> {
  return new Promise((resolve) => {
    let firstAt = 0;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (firstAt === 0) {
          firstAt = Date.now();
          resolve();
        } else if (Date.now() - firstAt > SAME_SIGNAL_WITHIN_MS) {
          force();
        }
      });
    }
  });
}

/** One line for what its reader can mend; a bug shows where it is. */
function explain(error: unknown): { text: string; exitCode: number } {
  if (error instanceof StartError) return { text: error.message, exitCode: error.exitCode };
  const { code, path, dest, message, stack } = error as NodeJS.ErrnoException & { dest?: string };
  if (code === 'ENOSPC') {
    return {
      text: `The disk is full: free some space for ${dest ?? path ?? 'the data directory'}, then start again`,
      exitCode: 1,
    };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      text: `${path ?? 'The data directory'} belongs to another user: start as that user, or set STAMPEDE_DIR`,
      exitCode: 1,
    };
  }
  return { text: stack ?? message, exitCode: 1 };
}

const terminal = new Terminal(process.stdout);
main(terminal).then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const { text, exitCode } = explain(error);
    process.stderr.write(`${text}\n`);
    process.exit(exitCode);
  },
);
