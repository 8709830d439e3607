import type { Pool, PoolClient } from 'pg';

/**
 * Runs `work` in one READ COMMITTED transaction (each statement sees what was committed before it began), commits,
 * and returns its result. Whatever `work` throws rolls back and is thrown on. A connection whose rollback fails is
 * thrown away rather than handed to the next caller.
 */
export function inTransaction<T>(pool: Pool, work: (tx: PoolClient) => Promise<T>): Promise<T> {
  return withTransaction(pool, 'BEGIN', work);
}

/** Like {@link inTransaction}, reading one snapshot and writing nothing. */
export function inSnapshot<T>(pool: Pool, work: (tx: PoolClient) => Promise<T>): Promise<T> {
  return withTransaction(pool, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work);
}

async function withTransaction<T>(pool: Pool, begin: string, work: (tx: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isBroken = false;
  // A connection that breaks says so twice: to the query that waits, and here. Unheard, it would end the process.
  const noteBroken = () => (isBroken = true);
  client.on('error', noteBroken);
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(noteBroken);
    throw error;
  } finally {
    client.off('error', noteBroken);
    client.release(isBroken);
  }
}
