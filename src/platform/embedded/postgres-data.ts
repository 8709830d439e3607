import { execFile } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFor, type ServerHome } from './server-home.js';
import { diskFull } from './server-process.js';
import { EXIT_CONFIGURATION, StartError } from './start-error.js';

const run = promisify(execFile);

export interface NewData {
  home: ServerHome;
  /** Has `bin/initdb`. */
  binaries: string;
  /** The role that owns everything. */
  owner: string;
  passwordFile: string;
  /** `false`: what is made may be lost with the machine. */
  fsync: boolean;
}

/**
 * Makes the data directory `data` of a home: UTF-8, sorted by code point, passwords checked by SCRAM. It is made beside
 * its place and then moved there, so that one that exists is a whole one.
 */
export async function makeData({ home, binaries, owner, passwordFile, fsync }: NewData): Promise<void> {
  const unfinished = join(home.path, 'data.new');
  rmSync(unfinished, { recursive: true, force: true });
  makeFor(home.user, unfinished);
  const options = ['-U', owner, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  if (!fsync) options.push('--no-sync');
  try {
    await run(join(binaries, 'bin/initdb'), ['-D', unfinished, ...options], {
      cwd: '/',
      env: { LC_ALL: 'C' },
      ...home.user,
    });
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw explain(String((error as { stderr?: unknown }).stderr ?? error).trim(), home.path);
  }
  renameSync(unfinished, join(home.path, 'data'));
}

function explain(said: string, home: string): StartError {
  if (said.includes('No space left on device')) return diskFull('PostgreSQL', home);
  if (said.includes('user does not exist')) {
    // As under `docker run --user 12345`.
    return new StartError(
      'PostgreSQL needs a user with a name, and this one has none in /etc/passwd: start as another user, or set DATABASE_URL and REDIS_URL',
      EXIT_CONFIGURATION,
    );
  }
  const reason = said.split('\n').find((line) => line.includes('error')) ?? said;
  return new StartError(`PostgreSQL could not set up ${home}: ${reason}`);
}
