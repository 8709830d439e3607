import type { Pool, PoolClient } from 'pg';

/** One taking of a lease. Of two takings of the same name the later one has the larger token, for ever: rows are never deleted. */
export interface Taking {
  readonly name: string;
  readonly token: number;
}

/**
 * Takes the lease `name` if it is free, and answers the token of this taking; undefined when somebody has it.
 *
 * SKIP LOCKED: a lease that ran out while its holder is in a fenced transaction is not free either, and the answer is
 * not waited for. FOR UPDATE is what {@link lockNewest} excludes; a plain UPDATE would pass it.
 */
export async function takeLease(
  pool: Pool,
  { name, holder, ttlMs }: { name: string; holder: string; ttlMs: number },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ token: number }>(
    `WITH made AS (
       INSERT INTO leases (name, token, holder, expires_at)
       VALUES ($1, 1, $2, now() + $3 * interval '1 ms')
       ON CONFLICT DO NOTHING
       RETURNING token
     ), taken AS (
       UPDATE leases SET token = token + 1, holder = $2, expires_at = now() + $3 * interval '1 ms'
       WHERE name = (SELECT name FROM leases WHERE name = $1 AND expires_at <= now() FOR UPDATE SKIP LOCKED)
       RETURNING token
     )
     SELECT token FROM made UNION ALL SELECT token FROM taken`,
    [name, holder, ttlMs],
  );
  return rows[0]?.token;
}

/** False when a newer taking exists. A lease that ran out and that nobody took is extended all the same. */
export async function extendLease(pool: Pool, { name, token }: Taking, ttlMs: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE leases SET expires_at = now() + $3 * interval '1 ms' WHERE name = $1 AND token = $2`,
    [name, token, ttlMs],
  );
  return rowCount === 1;
}

/** False when a newer taking exists; its lease is left alone. */
export async function giveBackLease(pool: Pool, { name, token }: Taking): Promise<boolean> {
  const { rowCount } = await pool.query('UPDATE leases SET expires_at = now() WHERE name = $1 AND token = $2', [
    name,
    token,
  ]);
  return rowCount === 1;
}

/**
 * True when no newer taking exists, and none can begin before the transaction ends.
 *
 * FOR KEY SHARE excludes {@link takeLease} and lets extensions pass. FOR SHARE would hold up the holder's own
 * extensions, so that a transaction longer than the lease would end it.
 */
export async function lockNewest(tx: PoolClient, { name, token }: Taking): Promise<boolean> {
  const { rowCount } = await tx.query('SELECT FROM leases WHERE name = $1 AND token = $2 FOR KEY SHARE', [name, token]);
  return rowCount === 1;
}
