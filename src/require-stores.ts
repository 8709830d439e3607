import type { Redis } from 'ioredis';
import { DatabaseError } from 'pg';
import type { Logger } from 'pino';
import { ConfigurationError } from './config/load-settings.js';
import type { Settings } from './config/settings.js';
import { pendingMigrations } from './platform/postgres/migrate.js';
import { createPool } from './platform/postgres/pool.js';
import { findPostgresMistakes } from './platform/postgres/require-durable-postgres.js';
import { isStoreAway } from './platform/store-errors.js';
import { connectRedis } from './platform/redis/connect.js';
import {
  findQueueRedisMistakes,
  findRedisMistakes,
  findRedisWeakness,
} from './platform/redis/require-durable-redis.js';
import { findLaneMistakes } from './stock/require-same-lanes.js';

/** A store that starts together with us may have a long log to read. */
const WAIT_MS_MAX = 60_000;
const TRY_EVERY_MS = 250;

/** How Redis begins its refusal of a client without the right password. */
const NOT_LET_IN = /^(WRONGPASS|NOAUTH) /;
/** SQLSTATE of a database that does not exist, and the class of failed logins. */
const NO_SUCH_DATABASE = '3D000';
const NOT_AUTHORIZED_CLASS = '28';
/** How pg 8.23 says that the server asks for a password and the url has none. */
const NO_PASSWORD = /^SASL: .* password must be/;

/**
 * Waits until all stores answer, and refuses to start on ones that would lose orders.
 *
 * @throws ConfigurationError naming all that is wrong; any other error when a store does not answer in time.
 */
export async function requireStores(settings: Settings, logger: Logger): Promise<void> {
  const mistakes = await Promise.all([
    checkPostgres(settings),
    checkRedis({ variable: 'REDIS_URL', url: settings.REDIS_URL }, logger, async (redis) => {
      const weakness = await findRedisWeakness(redis);
      if (weakness) logger.warn(weakness);
      return findRedisMistakes(redis);
    }),
    checkQueueRedis(settings, logger),
  ]);
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
  } catch (error) {
    const refusal = refusalOfPostgres(error);
    if (refusal === undefined) throw error;
    return [refusal];
  } finally {
    await pool.end();
  }
}

async function checkQueueRedis({ QUEUE_REDIS_URL: url, NODE_ENV }: Settings, logger: Logger): Promise<string[]> {
  if (url !== undefined) return checkRedis({ variable: 'QUEUE_REDIS_URL', url }, logger, findQueueRedisMistakes);
  if (NODE_ENV === 'production') logger.warn('QUEUE_REDIS_URL is not set: the queues slow the Redis of the stock down');
  return [];
}

async function checkRedis(
  { variable, url }: { variable: string; url: string },
  logger: Logger,
  findMistakes: (redis: Redis) => Promise<string[]>,
): Promise<string[]> {
  let isRefused = false;
  let isAwaited = false;
  // Only the connection is told of a refusal; its commands fail as if Redis were away.
  const onError = (err: Error) => {
    isRefused ||= NOT_LET_IN.test(err.message);
    if (!isRefused && !isAwaited) logger.warn({ err, variable }, 'Redis cannot be reached; trying again');
    isAwaited = true;
  };
  const redis = connectRedis(url, { name: 'stampede-start', onError });
  try {
    return await onceItAnswers(() =>
      isRefused ? Promise.resolve([`${variable}: Redis refuses these credentials`]) : findMistakes(redis),
    );
  } finally {
    redis.disconnect();
  }
}

function refusalOfPostgres(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = error instanceof DatabaseError ? (error.code ?? '') : '';
  if (code === NO_SUCH_DATABASE) return 'DATABASE_URL: Postgres has no such database';
  if (code.startsWith(NOT_AUTHORIZED_CLASS) || NO_PASSWORD.test(error.message)) {
    return 'DATABASE_URL: Postgres refuses these credentials';
  }
  return undefined;
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
