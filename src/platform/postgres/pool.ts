import pg from 'pg';

export interface PoolOptions {
  url: string;
  /** Shown in `pg_stat_activity`, so that an operator knows whose connection it is. */
  applicationName: string;
  connectionsMax: number;
  /** Enforced by the server, which rolls back. */
  statementTimeoutMs: number;
}

/** How long a caller waits for a free or new connection; pg's default is for ever. */
const ACQUIRE_TIMEOUT_MS = 3_000;

/**
 * A server that is silent enforces nothing: so much later we give up ourselves. What was sent may be committed all the
 * same, so it must never be what ends a statement that is merely slow.
 */
const SILENCE_GRACE_MS = 2_000;

/**
 * A pool whose every wait has a limit. `bigint` columns arrive as numbers: the largest we keep is a version,
 * epoch x 10^12 + n, which stays exact (below 2^53) for 9,000 epochs.
 *
 * @param onIdleError is told of connections that broke while idle; without a listener they would end the process.
 */
export function createPool(options: PoolOptions, onIdleError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + SILENCE_GRACE_MS,
    idle_in_transaction_session_timeout: 4 * options.statementTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: {
      getTypeParser: (oid, format): unknown =>
        oid === pg.types.builtins.INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
    },
  });
  pool.on('error', onIdleError);
  return pool;
}
