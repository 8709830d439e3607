/** `npm run reset [-- --yes]`: removes the data directory with all sales, orders, secrets and logs, after asking. Refuses while it is in use. */
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { CLONE, EXIT_CONFIGURATION, giveUp, prepare, PrepareError } from './prepare.mjs';

async function main() {
  const directory = resolve(CLONE, process.env.STAMPEDE_DIR || '.stampede');
  if (!existsSync(directory)) return say(`There is nothing to remove: ${directory} does not exist`);
  if (!process.argv.includes('--yes') && !(await isWanted(directory))) return say('Nothing was removed');
  await prepare();
  const { claim } = await import('../dist/platform/embedded/single-instance.js');
  const { removePostgres } = await import('../dist/platform/embedded/embedded-postgres.js');
  const { removeRedis } = await import('../dist/platform/embedded/embedded-redis.js');
  // Held to the end, so that no start begins in the middle.
  const claimed = await claim(realpathSync(directory), () => ({ state: 'being reset', url: '', pid: process.pid }));
  if (!claimed.held) throw new PrepareError(`${directory} is in use (process ${claimed.holder.pid}): stop it first`);
  await removePostgres(join(directory, 'postgres'));
  await removeRedis(join(directory, 'redis'));
  await removeRedis(join(directory, 'queue-redis'));
  rmSync(directory, { recursive: true, force: true });
  say(`Removed ${directory}`);
}

async function isWanted(directory) {
  if (!process.stdin.isTTY) {
    throw new PrepareError('Nobody is there to ask: use npm run reset -- --yes', EXIT_CONFIGURATION);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Remove ${directory} with all its sales, orders and secrets? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

await main().catch(giveUp);
