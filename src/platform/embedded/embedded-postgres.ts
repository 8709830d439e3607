import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { EmbeddedServer } from './embedded-server.js';
import { keptSecret } from './kept-files.js';
import { postgresBinaries } from './postgres-binaries.js';
import { makeData } from './postgres-data.js';
import { existingHome, openHome, removeHome } from './server-home.js';
import { StartError } from './start-error.js';
import { startServer } from './start-server.js';
import { stopOrphan, type Traces, untilNobodyWorksIn } from './stop-orphan.js';

/** The role and the database. */
const OWNER = 'stampede';

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
  const data = traces.workingDirectory;
  await stopOrphan(traces);
  const passwordFile = join(home.path, 'password');
  const password = keptSecret(passwordFile, home.user);
  if (!existsSync(data)) await makeData({ home, binaries, owner: OWNER, passwordFile, fsync });

  return startServer({
    home: home.path,
    traces,
    port,
    onLog,
    urlAt: (at) => `postgresql://${OWNER}:${password}@127.0.0.1:${at}/${OWNER}`,
    command: (at) => ({
      command: join(binaries, 'bin/postgres'),
      args: ['-D', data, '-p', String(at), ...settings(fsync)],
      env: { LC_ALL: 'C' },
      user: home.user,
    }),
    look: ensureDatabase,
    untilGone: () => untilNobodyWorksIn(data),
  });
}

/** Removes a directory of `startPostgres` with all its data; an orphan on it is stopped first. Throws a StartError while it is in use. */
export async function removePostgres(directory: string): Promise<void> {
  const home = existingHome(directory);
  if (home === undefined) return;
  await stopOrphan(tracesIn(home));
  removeHome(directory);
}

function tracesIn(home: string): Traces {
  const data = join(home, 'data');
  return {
    name: 'PostgreSQL',
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
