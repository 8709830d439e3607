import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tsImport } from 'tsx/esm/api';

const load = (path) => tsImport(path, import.meta.url);
const { startPostgres, removePostgres } = await load('../src/platform/embedded/embedded-postgres.ts');
const { startRedis, removeRedis } = await load('../src/platform/embedded/embedded-redis.ts');
const { migrate } = await load('../src/platform/postgres/migrate.ts');

/** What this run, and each test of it (support/private-directory.ts), calls its directory: with the id of its process. */
const OURS = /^stampede-test-(\d+)-/;

/**
 * One PostgreSQL and one Redis for the whole run, migrated: TEST_DATABASE_URL and TEST_REDIS_URL. Each test makes its
 * own sale and so keeps to its own corner of them.
 *
 * A run that was killed leaves its servers behind; the next run ends them and removes what they wrote.
 */
export default async function setUp() {
  await sweepKilledRuns();
  const directory = mkdtempSync(join(tmpdir(), `stampede-test-${process.pid}-run-`));
  chmodSync(directory, 0o711); // PostgreSQL runs as another user when we are root
  const [postgres, redis] = await Promise.all([
    startPostgres({ directory: join(directory, 'postgres'), fsync: false }),
    startRedis({ directory: join(directory, 'redis') }),
  ]);
  const killBoth = () => [postgres, redis].forEach((server) => void server.kill());
  process.once('exit', killBoth); // an interrupted jest leaves without the teardown
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  await migrate(postgres.url);
  process.env.TEST_DATABASE_URL = postgres.url;
  process.env.TEST_REDIS_URL = redis.url;
  globalThis.stopTestServers = async () => {
    process.off('exit', killBoth);
    await Promise.all([postgres.stop(), redis.stop()]);
    await removeRun(directory);
  };
}

async function sweepKilledRuns() {
  for (const name of readdirSync(tmpdir())) {
    const directory = join(tmpdir(), name);
    const pid = Number(OURS.exec(name)?.[1]);
    if (!pid || isAlive(pid) || !isOurs(directory)) continue;
    await removeRun(directory).catch((error) => process.stderr.write(`${directory} stays: ${error.message}\n`));
  }
}

async function removeRun(directory) {
  await removePostgres(join(directory, 'postgres'));
  for (const redis of ['redis', 'queue-redis']) await removeRedis(join(directory, redis));
  rmSync(directory, { recursive: true, force: true });
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isOurs(directory) {
  return statSync(directory).uid === (process.getuid?.() ?? 0);
}
