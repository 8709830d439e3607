import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { removePostgres, startPostgres } from '../../src/platform/embedded/embedded-postgres.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { findRedis } from '../../src/platform/embedded/redis-binary.js';
import { isAlive, startInAnotherProcess } from '../support/another-process.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';
import { takePort } from '../support/taken-port.js';

const CLONE = join(__dirname, '../..');
const IS_ROOT = process.getuid?.() === 0;
/** "daemon": a user with a name and nothing else on every system. */
const ORDINARY = { uid: 1, gid: 1 };
/** A clone below a private home cannot be read by another user, and that user cannot run its tests. */
const ORDINARY_CAN_READ =
  IS_ROOT && spawnSync('/bin/cat', [join(CLONE, 'package.json')], { ...ORDINARY, cwd: '/' }).status === 0;

describe('an embedded PostgreSQL', () => {
  let root: string;
  let directory: string;
  beforeEach(() => {
    root = privateDirectory();
    directory = join(root, 'postgres');
  });
  afterEach(() => removeDirectory(root));

  it('finds its data, port and password again when it is started a second time on its directory', async () => {
    const first = await start(directory);
    await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS n');
    await first.stop();
    expect(await first.exited).toEqual({ code: 0, signal: null });

    const second = await start(directory);
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
    await second.stop();
  });

  it('keeps what was committed when it is killed with a client at work, and starts on the same port', async () => {
    const first = await start(directory);
    await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS n');
    const atWork = expect(query(first.url, 'SELECT pg_sleep(600)')).rejects.toThrow();
    await first.kill();
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await atWork;

    const second = await start(directory, first.port);
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
    await second.stop();
  });

  it('cuts clients off when it is stopped, instead of waiting for them', async () => {
    const server = await start(directory);
    const atWork = expect(query(server.url, 'SELECT pg_sleep(600)')).rejects.toThrow();
    await server.stop();
    await atWork;
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  it('commits to disk unless told otherwise, stores UTF-8 sorted by code point, and listens on this machine only', async () => {
    const server = await startPostgres({ directory });
    const rows = await query(
      server.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit, current_setting('listen_addresses') AS listens,
              current_setting('server_encoding') AS encoding, current_setting('server_version_num')::int / 10000 AS version, datcollate AS collate
       FROM pg_database WHERE datname = current_database()`,
    );
    await server.stop();
    expect(rows).toEqual([
      { fsync: 'on', commit: 'on', listens: '127.0.0.1', encoding: 'UTF8', version: 18, collate: 'C' },
    ]);
  });

  it('refuses a client with a wrong password, and keeps the right one readable by its owner only', async () => {
    const server = await start(directory);
    const wrong = new URL(server.url);
    wrong.password = 'guessed';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    await server.stop();
    expect(statSync(join(directory, 'password')).mode & 0o077).toBe(0);
  });

  it('stops in order what a killed parent left running, then starts with its data', async () => {
    const left = await startInAnotherProcess('postgres', directory);
    await query(left.url, 'CREATE TABLE kept AS SELECT 1 AS n');
    await left.killParent();
    expect(isAlive(left.pid)).toBe(true);

    const server = await start(directory);
    expect(isAlive(left.pid)).toBe(false);
    expect(server.url).toBe(left.url);
    expect(await query(server.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
    await server.stop();
  });

  it('refuses a directory whose server belongs to a program that still runs', async () => {
    const other = await startInAnotherProcess('postgres', directory);
    await expect(start(directory)).rejects.toThrow(`is in use (process ${other.pid})`);
    expect(isAlive(other.pid)).toBe(true);
    await other.killParent();
  });

  it('starts, and leaves the other program alone, when the process id of a killed server belongs to another program now', async () => {
    const first = await start(directory);
    await first.kill();
    const pidFile = join(directory, 'data/postmaster.pid');
    const lines = readFileSync(pidFile, 'utf8').split('\n');
    writeFileSync(pidFile, [String(process.pid), ...lines.slice(1)].join('\n'));

    const second = await start(directory);
    expect(isAlive(process.pid)).toBe(true);
    await second.stop();
  });

  it('says in one line that the port it was told to use is taken', async () => {
    const taken = await takePort();
    await expect(start(directory, taken.port)).rejects.toThrow(new RegExp(`^Port ${taken.port} .*$`));
    await taken.close();
  });

  it('takes another port when the one of the last time is taken meanwhile', async () => {
    const first = await start(directory);
    await first.stop();
    const taken = await takePort(first.port);
    const second = await start(directory);
    expect(second.port).not.toBe(first.port);
    await second.stop();
    await taken.close();
  });

  it('says in one line why it does not start when a setting in its directory is wrong', async () => {
    const first = await start(directory);
    await first.stop();
    appendFileSync(join(directory, 'data/postgresql.conf'), 'no_such_setting = 1\n');
    await expect(start(directory)).rejects.toThrow(/^PostgreSQL in .* ended while starting: .*no_such_setting.*$/);
  });

  it('runs beside another one of another directory', async () => {
    const elsewhere = privateDirectory();
    const [one, other] = await Promise.all([start(directory), start(join(elsewhere, 'postgres'))]);
    await query(one.url, 'CREATE TABLE kept AS SELECT 1 AS n');
    await expect(query(other.url, 'SELECT n FROM kept')).rejects.toThrow('does not exist');
    await Promise.all([one.stop(), other.stop()]);
    await removeDirectory(elsewhere);
  });

  if (IS_ROOT) {
    describe('started by root', () => {
      it('keeps its data in /var/lib/stampede when the directory lies below a private one, finds it again and removes it', async () => {
        const hidden = privateDirectory(0o700);
        const below = join(hidden, 'postgres');
        const first = await start(below);
        await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS n');
        await first.stop();
        const home = readlinkSync(join(below, 'elsewhere'));
        expect(home).toMatch(/^\/var\/lib\/stampede\/[0-9a-f]{16}$/);
        expect(statSync(home)).toMatchObject({ uid: 0, mode: 0o40755 });

        const second = await start(below);
        expect(second.url).toBe(first.url);
        expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
        await second.stop();

        await removePostgres(below);
        expect(existsSync(home)).toBe(false);
        await removeDirectory(hidden);
      });

      it('follows a private directory that was moved, and shares no data with a copy of it', async () => {
        const hidden = privateDirectory(0o700);
        const [before, after, copy] = ['a/postgres', 'b/postgres', 'c/postgres'].map((name) => join(hidden, name)) as [
          string,
          string,
          string,
        ];
        const first = await start(before);
        await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS n');
        await first.stop();
        renameSync(join(hidden, 'a'), join(hidden, 'b'));
        cpSync(join(hidden, 'b'), join(hidden, 'c'), { recursive: true, verbatimSymlinks: true });

        const moved = await start(after);
        expect(await query(moved.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
        const copied = await start(copy);
        await expect(query(copied.url, 'SELECT n FROM kept')).rejects.toThrow('does not exist');
        await Promise.all([moved.stop(), copied.stop()]);

        await removePostgres(copy);
        expect(existsSync(readlinkSync(join(after, 'elsewhere')))).toBe(true);
        await removePostgres(after);
        await removeDirectory(hidden);
      });

      it('runs as the owner of data that an ordinary user made', async () => {
        const first = await start(directory);
        await first.stop();
        spawnSync('chown', ['-R', `${ORDINARY.uid}:${ORDINARY.gid}`, join(directory, 'data')]);

        const second = await start(directory);
        expect(statSync(`/proc/${second.pid}`).uid).toBe(ORDINARY.uid);
        await second.stop();
      });
    });
  }

  if (ORDINARY_CAN_READ) {
    describe('and Redis started by an ordinary user', () => {
      it('run as that user on a directory of theirs', async () => {
        chownSync(root, ORDINARY.uid, ORDINARY.gid);
        await findRedis(); // unpacks it, if need be: this user may not
        for (const kind of ['postgres', 'redis'] as const) {
          const server = await startInAnotherProcess(kind, join(root, kind), ORDINARY);
          expect(statSync(`/proc/${server.pid}`).uid).toBe(ORDINARY.uid);
          expect(statSync(join(root, kind, 'password'))).toMatchObject({ uid: ORDINARY.uid, mode: 0o100600 });
          await server.killParent();
        }
      });
    });
  }
});

/** Without fsync, which only a power cut could tell from with: kill -9 leaves what was written to the system. */
function start(directory: string, port?: number): Promise<EmbeddedServer> {
  return startPostgres({ directory, port, fsync: false });
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
