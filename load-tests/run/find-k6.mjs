import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The one that the scripts were tried with. */
const VERSION_TO_BUILD = '1.8.1';
/** The first that runs TypeScript as a settled feature. */
const MAJOR_MIN = 1;
/** What building it needs. */
const GO_MINOR_MIN = 24;

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The command of a k6 that runs TypeScript: the one on the PATH, else the one built earlier, else built now with Go.
 *
 * @param {string} directory absolute; where it is built
 * @param {(text: string) => void} say told before it takes long
 * @returns {Promise<string | undefined>} undefined when there is neither k6 nor Go. Throws with what Go said when it fails.
 */
export async function findK6(directory, say) {
  const built = join(directory, process.platform === 'win32' ? 'k6.exe' : 'k6');
  for (const command of ['k6', built]) if (await isRecentK6(command)) return command;
  if (!(await isRecentGo())) return undefined;
  say(`Building k6 ${VERSION_TO_BUILD} with Go: once, about a minute`);
  mkdirSync(directory, { recursive: true });
  await run('go', ['install', `go.k6.io/k6@v${VERSION_TO_BUILD}`], {
    env: { ...process.env, GOBIN: directory },
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return built;
}

async function isRecentK6(command) {
  const [, major] = /^k6(?:\.exe)? v(\d+)\./.exec(await outputOf(command, ['version'])) ?? [];
  return Number(major) >= MAJOR_MIN;
}

async function isRecentGo() {
  const [, minor] = /\bgo1\.(\d+)/.exec(await outputOf('go', ['version'])) ?? [];
  return Number(minor) >= GO_MINOR_MIN;
}

async function outputOf(command, args) {
  return run(command, args).then(
    ({ stdout }) => stdout,
    () => '',
  );
}
