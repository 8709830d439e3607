import type { Pool } from 'pg';

/** What is wrong with a Postgres as the place where orders are kept, one line for each mistake. */
export async function findPostgresMistakes(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ fsync: string; commit: string; readOnly: string }>(
    `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
            current_setting('transaction_read_only') AS "readOnly"`,
  );
  const mistakes = [];
  if (rows[0]?.fsync !== 'on') {
    mistakes.push('DATABASE_URL: Postgres must run with `fsync = on`, or a power loss loses orders');
  }
  if (rows[0]?.commit === 'off') {
    mistakes.push('DATABASE_URL: Postgres must not run with `synchronous_commit = off`, or a crash loses orders');
  }
  if (rows[0]?.readOnly === 'on') mistakes.push('DATABASE_URL: this Postgres is read-only; the primary is needed');
  return mistakes;
}
