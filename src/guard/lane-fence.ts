import type { Pool, PoolClient } from 'pg';
import type { LaneInPostgres } from '../stock/lane-verdict.js';
import { baseOf } from '../stock/version.js';

export async function readFence(db: Pool | PoolClient, lane: number): Promise<LaneInPostgres> {
  const { rows } = await db.query<LaneInPostgres>(
    `SELECT epoch, run_id AS "runId", max_version AS "maxVersion", recorded,
            NOT EXISTS (SELECT FROM sale_lanes WHERE lane = $1 AND loaded_epoch IS NOT NULL) AS "neverLoaded"
     FROM lanes WHERE lane = $1`,
    [lane],
  );
  if (!rows[0]) throw new Error(`Postgres has no lane ${lane}`);
  return rows[0];
}

/** Raises the token, so that a guard which was paused can change nothing any more. @returns the new token. */
export async function takeToken(db: Pool | PoolClient, lane: number): Promise<number> {
  const { rows } = await db.query<{ token: number }>(
    'UPDATE lanes SET guard_token = guard_token + 1 WHERE lane = $1 RETURNING guard_token AS token',
    [lane],
  );
  if (!rows[0]) throw new Error(`Postgres has no lane ${lane}`);
  return rows[0].token;
}

/**
 * Takes another Redis over for a lane whose data is unchanged. From its commit on, entries that were read from the old
 * one are not stored any more. The configuration of every sale is sent again: a Redis that has lost its tail may have
 * lost a pause.
 *
 * @returns the guard's token, or undefined when Postgres has recorded more than this Redis knows.
 */
export async function takeOverRunId(
  pool: Pool,
  lane: number,
  redis: { runId: string; epoch: number; version: number; recorded: number },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ token: number }>(
    `WITH fence AS (
       UPDATE lanes SET run_id = $2, guard_token = guard_token + 1
       WHERE lane = $1 AND epoch = $3 AND max_version <= $4 AND recorded >= $5
       RETURNING guard_token
     ), reconfigured AS (
       UPDATE sale_lanes SET config_version = 0 WHERE lane = $1 AND EXISTS (SELECT FROM fence)
     )
     SELECT guard_token AS token FROM fence`,
    [lane, redis.runId, redis.epoch, redis.version, redis.recorded],
  );
  return rows[0]?.token;
}

/**
 * Starts the next epoch of a lane in which nothing was ever on sale.
 *
 * @returns the epoch, or undefined when a sale was announced meanwhile or a newer guard was here.
 */
export async function startEmptyEpoch(
  tx: PoolClient,
  lane: number,
  { runId, token }: { runId: string; token: number },
): Promise<number | undefined> {
  const { rows } = await tx.query<{ epoch: number; guardToken: number }>(
    'SELECT epoch, guard_token AS "guardToken" FROM lanes WHERE lane = $1 FOR NO KEY UPDATE',
    [lane],
  );
  // Read again, now that the row is locked: announcing a sale locks it too.
  const { neverLoaded } = await readFence(tx, lane);
  if (!rows[0] || rows[0].guardToken !== token || !neverLoaded) return undefined;

  const epoch = rows[0].epoch + 1;
  await tx.query('UPDATE lanes SET epoch = $2, run_id = $3, max_version = $4, recorded = 0 WHERE lane = $1', [
    lane,
    epoch,
    runId,
    baseOf(epoch),
  ]);
  return epoch;
}

/** Ids of the sales that this lane must have: those whose load was confirmed. */
export async function readLoadedSales(pool: Pool, lane: number): Promise<string[]> {
  const { rows } = await pool.query<{ saleId: string }>(
    'SELECT sale_id AS "saleId" FROM sale_lanes WHERE lane = $1 AND loaded_at IS NOT NULL',
    [lane],
  );
  return rows.map(({ saleId }) => saleId);
}
