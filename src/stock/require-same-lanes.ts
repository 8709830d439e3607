import type { Pool } from 'pg';

/**
 * A buyer's lane follows from the number of lanes, so it stays as it is once there are sales. Makes the lanes' rows the
 * first time. @returns what is wrong, one line for each mistake.
 */
export async function findLaneMistakes(pool: Pool, stockLanes: number): Promise<string[]> {
  await pool.query('DELETE FROM lanes WHERE lane >= $1 AND NOT EXISTS (SELECT FROM sale_lanes)', [stockLanes]);
  await pool.query(
    `INSERT INTO lanes (lane) SELECT generate_series(0, $1::integer - 1)
     WHERE NOT EXISTS (SELECT FROM sale_lanes) ON CONFLICT DO NOTHING`,
    [stockLanes],
  );
  const { rows } = await pool.query<{ lanes: number; hasSales: boolean }>(
    'SELECT count(*) AS lanes, EXISTS (SELECT FROM sale_lanes) AS "hasSales" FROM lanes',
  );
  const found = rows[0];
  if (!found?.hasSales || found.lanes === stockLanes) return [];
  return [`STOCK_LANES: must stay ${found.lanes}, for there are sales`];
}
