import type { Logger } from 'pino';
import { ConfigurationError, type Settings } from './config/settings.js';
import { pendingMigrations } from './platform/postgres/migrate.js';
import { createPool } from './platform/postgres/pool.js';
import { findPostgresMistakes } from './platform/postgres/require-durable-postgres.js';
import { isStoreAway } from './platform/store-errors.js';
import { findRedisMistakes } from './platform/redis/require-durable-redis.js';
import { RedisConnections } from './platform/redis/redis-connections.js';
import { findLaneMistakes } from './stock/require-same-lanes.js';

/** A store that starts together with us may have a long log to read. */
const WAIT_MS_MAX = 60_000;
const TRY_EVERY_MS = 250;

/**
 * Waits until both stores answer, and refuses to start on ones that would lose orders.
 *
 * @throws ConfigurationError naming all that is wrong; any other error when a store does not answer in time.
 */
export async function requireStores(settings: Settings, logger: Logger): Promise<void> {
  const mistakes = await Promise.all([checkPostgres(settings), checkRedis(settings, logger)]);
  if (mistakes.flat().length > 0) throw new ConfigurationError(mistakes.flat());
}

async function checkPostgres(settings: Settings): Promise<string[]> {
  const pool = createPool(
    {
      url: settings.DATABASE_URL,
      applicationName: 'stampede-start',
      connectionsMax: 1,
      statementTimeoutMs: settings.STATEMENT_TIMEOUT_MS,
    },
    () => undefined,
  );
  try {
    const mistakes = await onceItAnswers(() => findPostgresMistakes(pool));
    const pending = await pendingMigrations(settings.DATABASE_URL);
    if (pending.length > 0) {
      return [...mistakes, `DATABASE_URL: migrations are pending; run \`node dist/main migrate\``];
    }
    return [...mistakes, ...(await findLaneMistakes(pool, settings.STOCK_LANES))];
  } finally {
    await pool.end();
  }
}

async function checkRedis(settings: Settings, logger: Logger): Promise<string[]> {
  const connections = new RedisConnections(settings.REDIS_URL, 'stampede-start', logger);
  try {
    return await onceItAnswers(() => findRedisMistakes(connections.commands));
  } finally {
    connections.close();
  }
}

async function onceItAnswers<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isStoreAway(error) || Date.now() > deadline) throw error; // a wrong password does not become right
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
    }
  }
}
