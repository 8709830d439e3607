import type { Pool, PoolClient } from 'pg';
import { isStillInTerm } from '../ledger/record-releases.js';
import { recordAdminAction } from '../platform/postgres/record-admin-action.js';
import type { AdjustmentReply } from '../stock/stock-replies.js';
import { epochOf } from '../stock/version.js';
import { STOCK_MAX } from './new-sale.js';

/** What an operator wants. */
export interface AdjustmentWish {
  saleId: string;
  /** Units more, or fewer. */
  delta: number;
  reason: string;
  idempotencyKey: string;
  operator: string;
}

/** One adjustment of a sale's stock in one lane, as Postgres has it. */
export interface Adjustment {
  saleId: string;
  lane: number;
  number: number;
  delta: number;
  reason: string;
  idempotencyKey: string;
  state: 'pending' | 'done' | 'refused';
  /** Null until it is done, and for good when a rebuild has applied it. */
  version: number | null;
  createdAt: Date;
}

/** `earlier` may be the one of this key, or another one that has to be finished first. */
export type Begun =
  'unknown-sale' | 'not-loaded' | 'out-of-range' | 'sealed' | { is: 'begun' | 'earlier'; adjustment: Adjustment };

const COLUMNS = `sale_id AS "saleId", lane, number, delta, reason, idempotency_key AS "idempotencyKey", state, version,
  created_at AS "createdAt"`;

/**
 * Writes the next adjustment of a sale down as pending, in the caller's transaction; a raise is in Postgres' total from then on,
 * so that no unit is sold in Redis that Postgres would refuse. Two at once wait for one another at the row of the sale.
 */
export async function beginAdjustment(tx: PoolClient, wish: AdjustmentWish): Promise<Begun> {
  const { rows } = await tx.query<{ lane: number; total: number; isLoaded: boolean }>(
    `SELECT lane, total, loaded_at IS NOT NULL AS "isLoaded" FROM sale_lanes WHERE sale_id = $1 FOR NO KEY UPDATE`,
    [wish.saleId],
  );
  const sale = rows[0]; // a sale has one lane
  if (!sale) return 'unknown-sale';
  const earlier = await tx.query<Adjustment>(
    `SELECT ${COLUMNS} FROM stock_adjustments
     WHERE sale_id = $1 AND (state = 'pending' OR (state = 'done' AND idempotency_key = $2))
     ORDER BY idempotency_key = $2 DESC LIMIT 1`,
    [wish.saleId, wish.idempotencyKey],
  );
  if (earlier.rows[0]) return { is: 'earlier', adjustment: earlier.rows[0] };
  // Asked only after the lock: who seals the sale has it too.
  const sealed = await tx.query('SELECT FROM sales WHERE sale_id = $1 AND sealed_at IS NOT NULL', [wish.saleId]);
  if (sealed.rowCount) return 'sealed';
  if (!sale.isLoaded) return 'not-loaded';
  const total = sale.total + wish.delta;
  if (total < 0 || total > STOCK_MAX) return 'out-of-range';
  return { is: 'begun', adjustment: await insert(tx, sale.lane, wish) };
}

async function insert(tx: PoolClient, lane: number, wish: AdjustmentWish): Promise<Adjustment> {
  const { saleId, delta, reason, idempotencyKey, operator } = wish;
  const { rows } = await tx.query<Adjustment>(
    `INSERT INTO stock_adjustments (sale_id, lane, number, delta, reason, idempotency_key, requested_by)
     SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6
     FROM stock_adjustments WHERE sale_id = $1 AND lane = $2
     RETURNING ${COLUMNS}`,
    [saleId, lane, delta, reason, idempotencyKey, operator],
  );
  const adjustment = rows[0] as Adjustment;
  if (delta > 0) await changeTotal(tx, adjustment);
  const { number } = adjustment;
  const detail = { number, delta, reason };
  await recordAdminAction(tx, { actor: operator, action: 'sale.adjust-stock', subject: saleId, detail });
  return adjustment;
}

/**
 * Notes in the caller's transaction what the script has answered about a pending adjustment. A lowering leaves Postgres' total
 * only here, after its units have left Redis.
 *
 * @returns what Postgres has recorded of the lane now; undefined when nothing changed: somebody else was first, or the lane is
 *          in another epoch or on another Redis, where the script may answer otherwise. It is asked again.
 */
export async function recordAdjustment(
  tx: PoolClient,
  adjustment: Adjustment,
  { outcome, epoch, runId, version }: AdjustmentReply,
): Promise<{ epoch: number; recorded: number } | undefined> {
  const { saleId, lane, number, delta } = adjustment;
  if (!(await isStillInTerm(tx, lane, { epoch, runId }))) return undefined;
  await tx.query('SELECT FROM sale_lanes WHERE sale_id = $1 AND lane = $2 FOR NO KEY UPDATE', [saleId, lane]);

  // Version 0: a rebuild has found a raise in Postgres' total. So it is no decision of the lane, and not counted as one.
  const isDecision = outcome === 'ADJUSTED' && epochOf(version) === epoch;
  if (outcome === 'ADJUSTED' && !isDecision && delta < 0) {
    throw new Error(`Bug: adjustment ${number} of sale ${saleId} lowers its stock, and a rebuild has counted it`);
  }
  const { rowCount } = await tx.query(
    `UPDATE stock_adjustments SET state = $4, version = $5, finished_at = now()
     WHERE sale_id = $1 AND lane = $2 AND number = $3 AND state = 'pending'`,
    [saleId, lane, number, outcome === 'ADJUSTED' ? 'done' : 'refused', isDecision ? version : null],
  );
  if (rowCount === 0) return undefined;
  if (outcome === 'ADJUSTED' && delta < 0) await changeTotal(tx, adjustment);
  const { rows } = await tx.query<{ epoch: number; recorded: number }>(
    `UPDATE lanes SET recorded = recorded + $2, max_version = greatest(max_version, $3) WHERE lane = $1
     RETURNING epoch, recorded`,
    [lane, Number(isDecision), isDecision ? version : 0],
  );
  return rows[0];
}

async function changeTotal(tx: PoolClient, { saleId, lane, delta }: Adjustment): Promise<void> {
  await tx.query('UPDATE sale_lanes SET total = total + $3 WHERE sale_id = $1 AND lane = $2', [saleId, lane, delta]);
}

export async function selectAdjustment(pool: Pool, { saleId, lane, number }: Adjustment): Promise<Adjustment> {
  const { rows } = await pool.query<Adjustment>(
    `SELECT ${COLUMNS} FROM stock_adjustments WHERE sale_id = $1 AND lane = $2 AND number = $3`,
    [saleId, lane, number],
  );
  return rows[0] as Adjustment;
}

/** In no order: those of a closed lane have to wait, and must not keep the others back. */
export async function selectPendingAdjustments(
  pool: Pool,
  lanes: readonly number[],
  max: number,
): Promise<Adjustment[]> {
  const { rows } = await pool.query<Adjustment>(
    `SELECT ${COLUMNS} FROM stock_adjustments WHERE state = 'pending' AND lane = ANY($1::smallint[])
     ORDER BY random() LIMIT $2`,
    [lanes, max],
  );
  return rows;
}
