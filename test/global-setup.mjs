import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tsImport } from 'tsx/esm/api';

const load = (path) => tsImport(path, import.meta.url);
const { startPostgres, removePostgres } = await load('../src/platform/embedded/embedded-postgres.ts');
const { startRedis, removeRedis } = await load('../src/platform/embedded/embedded-redis.ts');
const { migrate } = await load('../src/platform/postgres/migrate.ts');

const PREFIX = 'stampede-test-run-';

/**
 * One PostgreSQL and one Redis for the whole run, migrated: TEST_DATABASE_URL and TEST_REDIS_URL. Each test makes its
 * own sale and so keeps to its own corner of them.
 *
 * A run that was killed leaves its servers behind; the next run ends them and removes what they wrote.
 */
export default async function setUp() {
  await sweepKilledRuns();
  const directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  chmodSync(directory, 0o711); // PostgreSQL runs as another user when we are root
  const [postgres, redis] = await Promise.all([
    startPostgres({ directory: join(directory, 'postgres'), fsync: false }),
    startRedis({ directory: join(directory, 'redis') }),
  ]);
  const killBoth = () => [postgres, redis].forEach((server) => process.kill(server.pid, 'SIGKILL'));
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
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const directory = join(tmpdir(), name);
    const pid = Number.parseInt(name.slice(PREFIX.length), 10);
    if (!isAlive(pid) && isOurs(directory)) await removeRun(directory);
  }
}

async function removeRun(directory) {
  await removePostgres(join(directory, 'postgres'));
  await removeRedis(join(directory, 'redis'));
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
