import { execFile } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { EmbeddedServer } from './embedded-server.js';
import { keptSecret } from './kept-files.js';
import { choosePort } from './local-port.js';
import { postgresBinaries } from './postgres-binaries.js';
import { existingHome, makeFor, openHome, removeHome, type ServerHome } from './server-home.js';
import { DiedWhileStarting, diskFull, explainDeath, ServerProcess } from './server-process.js';
import { EXIT_CONFIGURATION, StartError } from './start-error.js';
import { rememberParent, stopOrphan, type Traces, untilNobodyWorksIn } from './stop-orphan.js';

const run = promisify(execFile);

const NAME = 'PostgreSQL';
/** The role and the database. */
const OWNER = 'stampede';
/** A start may lose a port to another program, or meet the last children of a killed server; each passes quickly. */
const ATTEMPTS_MAX = 20;
const NEXT_ATTEMPT_AFTER_MS = 250;

export interface PostgresOptions {
  /** Holds everything of this server; made when missing, found again with its data later. */
  directory: string;
  /** Without it: the port of the last time if it is free, else any. */
  port?: number | undefined;
  /** `false` forgets what was committed when the machine (not the server) dies: for tests only. */
  fsync?: boolean | undefined;
  onLog?: ((line: string) => void) | undefined;
}

/**
 * Starts a PostgreSQL 18 of our own, from the programs of an npm package, with one database `stampede`.
 *
 * Promises:  listens on 127.0.0.1 only and asks for a random password; the same directory gives the same data,
 *            password and, if nobody took it meanwhile, port; an orphan on the directory is stopped first.
 * Does not:  run as root; as root it runs as nobody (see server-home.ts).
 *
 * Throws a StartError when the port, the disk or the directory does not allow it.
 */
export async function startPostgres({
  directory,
  port,
  fsync = true,
  onLog = ignore,
}: PostgresOptions): Promise<EmbeddedServer> {
  const home = openHome(directory);
  const binaries = postgresBinaries(home);
  const traces = tracesIn(home.path);
  await stopOrphan(traces);
  const password = keptSecret(join(home.path, 'password'), home.user);
  if (!existsSync(traces.workingDirectory)) await initialize(binaries, home, fsync);

  for (let attempt = 1; ; attempt++) {
    const chosen = await choosePort(NAME, join(home.path, 'port'), port);
    const url = `postgresql://${OWNER}:${password}@127.0.0.1:${chosen}/${OWNER}`;
    rememberParent(traces);
    const server = new ServerProcess({
      name: NAME,
      command: join(binaries, 'bin/postgres'),
      args: ['-D', traces.workingDirectory, '-p', String(chosen), ...settings(fsync)],
      env: { LC_ALL: 'C' },
      user: home.user,
      stopSignal: traces.stopSignal,
      onLog,
    });
    try {
      await server.untilReady(() => ensureDatabase(url));
      return asEmbeddedServer(server, url, chosen, traces.workingDirectory);
    } catch (error) {
      await server.kill();
      if (!(error instanceof DiedWhileStarting)) throw error;
      const passing = error.says('shared memory block') || error.says('Address already in use');
      if (!passing || attempt === ATTEMPTS_MAX) throw explainDeath(error, home.path);
      await delay(NEXT_ATTEMPT_AFTER_MS);
    }
  }
}

/** Removes a directory of `startPostgres` with all its data; an orphan on it is stopped first. Throws a StartError while it is in use. */
export async function removePostgres(directory: string): Promise<void> {
  const home = existingHome(directory);
  if (home === undefined) return;
  await stopOrphan(tracesIn(home));
  removeHome(directory);
}

function asEmbeddedServer(server: ServerProcess, url: string, port: number, data: string): EmbeddedServer {
  return {
    url,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop(),
    kill: async () => {
      await server.kill();
      await untilNobodyWorksIn(data);
    },
  };
}

function tracesIn(home: string): Traces {
  const data = join(home, 'data');
  return {
    name: NAME,
    pidFile: join(data, 'postmaster.pid'),
    argument: data,
    workingDirectory: data,
    parentFile: join(home, 'parent'),
    stopSignal: 'SIGINT', // "fast": cuts clients off, then writes a checkpoint
  };
}

function settings(fsync: boolean): string[] {
  return [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=100',
    'shared_buffers=256MB',
    `fsync=${fsync ? 'on' : 'off'}`,
    'synchronous_commit=on',
    'timezone=UTC',
    'log_timezone=UTC',
    'log_destination=stderr',
    'logging_collector=off',
  ].flatMap((setting) => ['-c', setting]);
}

/** Made beside its place and then moved there, so that a data directory that exists is a whole one. */
async function initialize(binaries: string, home: ServerHome, fsync: boolean): Promise<void> {
  const unfinished = join(home.path, 'data.new');
  rmSync(unfinished, { recursive: true, force: true });
  makeFor(home.user, unfinished);
  const options = [
    '-U',
    OWNER,
    `--pwfile=${join(home.path, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
  ];
  try {
    await run(join(binaries, 'bin/initdb'), ['-D', unfinished, ...options, ...(fsync ? [] : ['--no-sync'])], {
      cwd: '/',
      env: { LC_ALL: 'C' },
      ...home.user,
    });
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    const said = String((error as { stderr?: unknown }).stderr ?? error);
    if (said.includes('No space left on device')) throw diskFull(NAME, home.path);
    if (said.includes('user does not exist')) throw namelessUser();
    throw new StartError(
      `PostgreSQL could not set up ${home.path}: ${
        said
          .trim()
          .split('\n')
          .find((line) => line.includes('error')) ?? said.trim()
      }`,
    );
  }
  renameSync(unfinished, join(home.path, 'data'));
}

/** As under `docker run --user 12345`. */
function namelessUser(): StartError {
  return new StartError(
    'PostgreSQL needs a user with a name, and this one has none in /etc/passwd: start as another user, or set DATABASE_URL and REDIS_URL',
    EXIT_CONFIGURATION,
  );
}

/** One look whether the server answers; makes the database at the first. */
async function ensureDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href });
  client.on('error', ignore);
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [OWNER]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${OWNER}`);
  } catch (error) {
    if ((error as { code?: unknown }).code === '28P01') {
      throw new StartError(
        `PostgreSQL does not accept the password kept beside its data: npm run reset starts anew, without the data`,
      );
    }
    throw error;
  } finally {
    await client.end().catch(ignore);
  }
}

function ignore(): void {}
