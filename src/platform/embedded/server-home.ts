import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './kept-files.js';
import { EXIT_CONFIGURATION, StartError } from './start-error.js';

/** Root's own, and on the path of every user. Not /var/tmp: what everybody may write into is no place for executables. */
const HOMES = '/var/lib/stampede';
/** In the directory: leads to the home when that had to be elsewhere. */
const LINK = 'elsewhere';
/** In a home elsewhere: whose it is. */
const ORIGIN = 'origin';

/** Where a server keeps everything, and as whom it runs (undefined: as ourselves). */
export interface ServerHome {
  path: string;
  user: { uid: number; gid: number } | undefined;
}

/**
 * Opens the directory of a server that refuses to run as root.
 *
 * As an ordinary user that is the directory itself. As root the server runs as another user, the owner of the data
 * that is there already, else nobody; if that user cannot reach the directory, because it lies below somebody's
 * private home, then the home is a directory of root's in /var/lib/stampede, and `elsewhere` in the directory leads there.
 */
export function openHome(directory: string): ServerHome {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = realpathSync(directory);
  if (process.getuid?.() !== 0) return { path, user: undefined };
  const linked = ownHomeBehind(join(path, LINK), path);
  if (linked) return { path: linked, user: userOf(linked) };

  if (statSync(path).uid === 0) chmodSync(path, 0o711); // may be passed through, not be listed
  const user = userOf(path);
  return { path: canReach(user, path) ? path : homeElsewhere(path), user };
}

/** Where the server of this directory keeps everything, if it was ever started there. Makes nothing. */
export function existingHome(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  const path = realpathSync(directory);
  return ownHomeBehind(join(path, LINK), path) ?? path;
}

/** Removes the directory of a server, and its home elsewhere. The server must not run. */
export function removeHome(directory: string): void {
  for (const path of [existingHome(directory), directory]) {
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
  }
}

/** The home that `link` leads to, unless the directory is a copy of another one that still has that home. */
function ownHomeBehind(link: string, directory: string): string | undefined {
  if (!existsSync(link)) return undefined;
  const home = readlinkSync(link);
  const origin = readFileSync(join(home, ORIGIN), 'utf8').trim();
  if (origin === directory) return home;
  if (existsSync(join(origin, LINK))) return undefined;
  writeWhole(join(home, ORIGIN), `${directory}\n`); // the directory was moved: its home follows
  return home;
}

function homeElsewhere(directory: string): string {
  makeRootOnly(HOMES);
  const home = join(HOMES, createHash('sha256').update(directory).digest('hex').slice(0, 16));
  makeRootOnly(home);
  writeWhole(join(home, ORIGIN), `${directory}\n`);
  rmSync(join(directory, LINK), { force: true });
  symlinkSync(home, join(directory, LINK));
  return home;
}

function makeRootOnly(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const { uid, mode } = statSync(directory);
  if (uid !== 0 || (mode & 0o022) !== 0) {
    throw new StartError(
      `${directory} must belong to root and be writable by nobody else: mend its owner and mode, or remove it`,
    );
  }
}

function userOf(home: string): { uid: number; gid: number } {
  const data = statSync(join(home, 'data'), { throwIfNoEntry: false });
  return data && data.uid !== 0 ? { uid: data.uid, gid: data.gid } : nobody();
}

/** 65534 on Linux, something else elsewhere. */
function nobody(): { uid: number; gid: number } {
  const [uid, gid] = ['-u', '-g'].map((what) =>
    Number(spawnSync('id', [what, 'nobody'], { encoding: 'utf8' }).stdout || NaN),
  );
  if (uid && gid) return { uid, gid };
  throw new StartError(
    'PostgreSQL does not run as root, and there is no user "nobody" to run it as: start as an ordinary user',
    EXIT_CONFIGURATION,
  );
}

/** Tried, not computed from mode bits: access lists, mount options and user namespaces count as well. */
function canReach(user: { uid: number; gid: number }, path: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', path], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** Whether a program can be run as this user from where it lies. */
export function canRun(user: { uid: number; gid: number } | undefined, program: string): boolean {
  return spawnSync(program, ['--version'], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** Makes a directory that the server may write into. */
export function makeFor(user: { uid: number; gid: number } | undefined, directory: string): void {
  mkdirSync(directory, { mode: 0o700 });
  if (user) chownSync(directory, user.uid, user.gid);
}
