import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CLONE = join(__dirname, '../..');

/** Runs a program of scripts/ on a data directory; answers what it prints. Rejects with `code` and `stderr` unless it exits 0. */
export async function runScript(name: string, directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(CLONE, 'scripts', name), ...args], {
    env: { ...process.env, STAMPEDE_DIR: directory },
  });
  return stdout;
}
