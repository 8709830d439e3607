import type { PoolClient } from 'pg';

const OFF = ['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin'];
const SETTINGS = OFF.map((setting) => `set_config('${setting}', 'off', true)`).join(', ');

/**
 * Has Postgres follow keys until the end of this transaction, whatever it believes of the sizes of tables. For a few hundred
 * rows of large tables. What was written a moment ago is not counted yet, and a plan for a small table reads all of it: in a
 * sale that has just sold out that made settling six times dearer (`npm run bench:money`).
 */
export async function byKeys(tx: PoolClient): Promise<void> {
  await tx.query({ name: 'by-keys', text: `SELECT ${SETTINGS}` });
}
