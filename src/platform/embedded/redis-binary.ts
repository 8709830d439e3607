import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { diskFull } from './server-process.js';
import { EXIT_CONFIGURATION, StartError } from './start-error.js';

const run = promisify(execFile);

/** 7.0 brought functions of scripts and streams (XAUTOCLAIM's third answer, the multi-part append-only file) that we rely on. */
const VERSION_MIN = 7;

/** In the clone, whatever the data directory is: it holds no data, and every data directory of the clone can use it. */
const UNPACKED = fileURLToPath(new URL('../../../.stampede/redis-server', import.meta.url));

export interface RedisBinary {
  command: string;
  /** The whole environment it needs when its libraries are not the system's; undefined: ours. */
  env: NodeJS.ProcessEnv | undefined;
  version: string;
}

let found: Promise<RedisBinary> | undefined;

/**
 * A redis-server of at least version 7: the one on the PATH, else the one unpacked earlier, else Debian's, downloaded
 * with apt's own verification and unpacked into the clone.
 *
 * Does not:  install anything into the system, where installing would start a service.
 *
 * Throws a StartError (exit code 78) that says how to get one when none can be had.
 */
export function findRedis(): Promise<RedisBinary> {
  found ??= search().catch((error: unknown) => {
    found = undefined; // the next caller may have more luck
    throw error;
  });
  return found;
}

async function search(): Promise<RedisBinary> {
  const installed = await tryRun({ command: 'redis-server', env: undefined });
  if (installed) return installed;
  const unpackedBefore = await tryRun(unpackedBinary(UNPACKED));
  if (unpackedBefore) return unpackedBefore;
  if (process.platform === 'win32') throw cannotBeHad('on Windows use WSL, or docker compose');
  if (process.platform === 'darwin') throw cannotBeHad('brew install redis');
  await unpackDebians();
  const unpacked = await tryRun(unpackedBinary(UNPACKED));
  if (!unpacked) throw cannotBeHad("this system's package is older or does not run; install it by hand");
  return unpacked;
}

function cannotBeHad(advice: string): StartError {
  return new StartError(
    `Redis ${VERSION_MIN} or newer is needed and not on the PATH: ${advice}; or set DATABASE_URL and REDIS_URL`,
    EXIT_CONFIGURATION,
  );
}

/** The binary with its version, if it runs and is new enough. */
async function tryRun({ command, env }: Omit<RedisBinary, 'version'>): Promise<RedisBinary | undefined> {
  try {
    const { stdout } = await run(command, ['--version'], { env });
    const version = /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
    return version && Number.parseInt(version, 10) >= VERSION_MIN ? { command, env, version } : undefined;
  } catch {
    return undefined;
  }
}

function unpackedBinary(root: string): Omit<RedisBinary, 'version'> {
  const libraries = join(root, 'usr/lib');
  const folders = existsSync(libraries) ? readdirSync(libraries).filter((name) => name.includes('-linux-')) : [];
  const env = { LD_LIBRARY_PATH: [libraries, ...folders.map((name) => join(libraries, name))].join(':') };
  return { command: join(root, 'usr/bin/redis-server'), env };
}

/** Unpacked beside its place and then moved there, so that what exists is whole, also when two do it at once. */
async function unpackDebians(): Promise<void> {
  const workshop = `${UNPACKED}.${process.pid}.new`;
  try {
    const packages = await download(join(workshop, 'apt'));
    for (const file of packages) await run('dpkg-deb', ['-x', file, join(workshop, 'root')]);
    rmSync(UNPACKED, { recursive: true, force: true });
    renameSync(join(workshop, 'root'), UNPACKED);
  } catch (error) {
    throw explain(error);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** Downloads redis-server and what it needs beyond what the system has; answers the package files. */
async function download(state: string): Promise<string[]> {
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(state, folder), { recursive: true });
  const config = join(state, 'apt.conf');
  writeFileSync(config, aptConfig(state));
  // A source that does not answer fails the update; whether it was Debian's is seen when we install.
  const { stderr } = await run('apt-get', ['-c', config, 'update']).catch((error: unknown) => {
    const failure = error as { stderr: string; code: unknown };
    if (failure.code === 'ENOENT') throw error;
    return failure;
  });
  if (stderr.includes('No space left')) throw diskFull('Redis', UNPACKED);
  await run('apt-get', [
    '-c',
    config,
    '--yes',
    '--download-only',
    '--no-install-recommends',
    'install',
    'redis-server',
  ]);
  const archives = join(state, 'archives');
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(archives, name));
}

/**
 * Read by apt after the system's own configuration: the system's sources, keys and proxies, but our state, so that it
 * works without being root and leaves no trace. `#clear` keeps the system's hooks from acting on the system's files.
 */
function aptConfig(state: string): string {
  return [
    `Dir::State "${state}";`,
    `Dir::State::lists "${state}/lists";`,
    'Dir::State::status "/var/lib/dpkg/status";',
    `Dir::Cache "${state}";`,
    `Dir::Cache::archives "${state}/archives";`,
    `Dir::Log "${state}";`,
    'Debug::NoLocking "true";',
    'APT::Sandbox::User "";', // apt's own user could not write into a private home; we are who owns it
    'APT::Get::AllowUnauthenticated "false";',
    'Acquire::Languages "none";',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '#clear DPkg::Pre-Invoke;',
    '#clear DPkg::Post-Invoke;',
    '',
  ].join('\n');
}

function explain(error: unknown): StartError {
  if (error instanceof StartError) return error;
  const { code, message, stderr } = error as { code?: unknown; message: string; stderr?: string };
  if (code === 'ENOENT') return cannotBeHad('this is no Debian; install redis with the package manager of this system');
  const said = stderr || message;
  if (code === 'ENOSPC' || said.includes('No space left') || said.includes('enough free space')) {
    return diskFull('Redis', UNPACKED);
  }
  const reason = said.split('\n').find((line) => line.startsWith('E:')) ?? said.trim().split('\n').at(-1);
  return cannotBeHad(
    `apt-get could not fetch Debian's (${reason ?? 'no reason given'}); sudo apt-get install redis-server`,
  );
}
