import type { PoolClient } from 'pg';

/** Under what a lane has decided something: it may be recorded only while both are still so. */
export interface Term {
  epoch: number;
  runId: string;
  /** What Postgres had recorded of that epoch at least, as Redis knew. Below it, Postgres went back: see storeOrders. */
  recorded?: number;
}

export interface ReleasedOrder {
  saleId: string;
  orderId: string;
  /** Of the release. */
  version: number;
}

export interface Recorded {
  epoch: number;
  /** Decisions of that epoch that Postgres has recorded, these included. */
  recorded: number;
  /** Rows that this call changed; the others were recorded before. */
  changed: number;
}

const LOCK_ORDERS = `
  SELECT FROM orders JOIN unnest($1::uuid[], $2::uuid[]) AS e (sale_id, order_id) USING (sale_id, order_id)
  ORDER BY sale_id, order_id FOR NO KEY UPDATE OF orders`;

const RECORD = `
  WITH released AS (
    UPDATE orders SET released_version = e.version
    FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS e (sale_id, order_id, version)
    WHERE orders.sale_id = e.sale_id AND orders.order_id = e.order_id
      AND released_version IS NULL AND status IN ('expired', 'cancelled', 'rejected')
    RETURNING e.version
  )
  UPDATE lanes SET recorded = recorded + (SELECT count(*) FROM released),
                   max_version = greatest(max_version, (SELECT max(version) FROM released))
  WHERE lane = $1
  RETURNING epoch, recorded, (SELECT count(*) FROM released) AS changed`;

/**
 * Notes in the caller's transaction that the units of these orders are on sale again. Orders are locked before the lane, as
 * everywhere that finishes or releases orders; who stores orders locks none that exists.
 *
 * @returns undefined when the lane is not in that term any more: nothing is recorded, for the rebuild that
 *          came between may have put the units back under the buyer. The order is asked for again.
 */
export async function recordReleases(
  tx: PoolClient,
  { lane, ...term }: Term & { lane: number },
  releases: readonly ReleasedOrder[],
): Promise<Recorded | undefined> {
  const saleIds = releases.map(({ saleId }) => saleId);
  const orderIds = releases.map(({ orderId }) => orderId);
  await tx.query(LOCK_ORDERS, [saleIds, orderIds]);
  if (!(await isStillInTerm(tx, lane, term))) return undefined;
  const { rows } = await tx.query<Recorded>(RECORD, [lane, saleIds, orderIds, releases.map(({ version }) => version)]);
  return rows[0];
}

/** Locks the lane's row. @returns whether it is still in that epoch, on that Redis. */
export async function isStillInTerm(
  tx: PoolClient,
  lane: number,
  { epoch, runId, recorded = 0 }: Term,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'SELECT FROM lanes WHERE lane = $1 AND epoch = $2 AND run_id = $3 AND recorded >= $4 FOR NO KEY UPDATE',
    [lane, epoch, runId, recorded],
  );
  return rowCount === 1;
}
