import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';

/** Long enough for a statement about every row of a large table: 1,000,000 orders were released in 68 s here. */
const LIMIT_MS = 600_000;

/** Lifts the limit of statements until the end of this transaction. For work that nobody waits for behind it. */
export async function bePatient(tx: PoolClient): Promise<void> {
  await tx.query(`SET LOCAL statement_timeout = ${LIMIT_MS}`);
}

/** Such a statement; the limit of our side, which every statement has as well, is lifted for it too. */
export function patiently<Row extends QueryResultRow>(
  tx: PoolClient,
  text: string,
  values: unknown[] = [],
): Promise<QueryResult<Row>> {
  const query: QueryConfig & { query_timeout: number } = { text, values, query_timeout: LIMIT_MS };
  return tx.query<Row>(query);
}
