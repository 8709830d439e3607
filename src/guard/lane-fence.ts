import type { Pool, PoolClient } from 'pg';
import type { LaneInRedis } from '../stock/lane-gate.js';
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
 * @returns the guard's token, or undefined when another guard was here, or Postgres has recorded more than this Redis knows.
 */
export async function takeOverRunId(
  pool: Pool,
  lane: number,
  { redis, judged }: { redis: LaneInRedis; judged: LaneInPostgres },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ token: number }>(
    `WITH fence AS (
       UPDATE lanes SET run_id = $2, guard_token = guard_token + 1
       WHERE lane = $1 AND epoch = $3 AND max_version <= $4 AND recorded >= $5
         AND run_id IS NOT DISTINCT FROM $6
       RETURNING guard_token
     ), reconfigured AS (
       UPDATE sale_lanes SET config_version = 0 WHERE lane = $1 AND EXISTS (SELECT FROM fence)
     )
     SELECT guard_token AS token FROM fence`,
    [lane, redis.serverRunId, redis.epoch, redis.version, redis.recorded, judged.runId],
  );
  return rows[0]?.token;
}

/**
 * Starts the next epoch of a lane in which nothing was ever on sale, if it is still as it was judged. It belongs to no
 * Redis until `settleOn`: no sale can be announced meanwhile, so a guard that dies on the way leaves a lane that is as
 * new as before, and one that was paused finds that another has changed it.
 *
 * @returns undefined when another guard was here or a sale was announced: nothing changed.
 */
export async function startEmptyEpoch(
  tx: PoolClient,
  lane: number,
  judged: LaneInPostgres,
): Promise<{ epoch: number; token: number } | undefined> {
  await tx.query('SELECT FROM lanes WHERE lane = $1 FOR NO KEY UPDATE', [lane]);
  // Read now that the row is locked: announcing a sale locks it too.
  const fence = await readFence(tx, lane);
  if (!fence.neverLoaded || fence.epoch !== judged.epoch || fence.runId !== judged.runId) return undefined;

  const epoch = fence.epoch + 1;
  await tx.query('UPDATE lanes SET epoch = $2, run_id = NULL, max_version = $3, recorded = 0 WHERE lane = $1', [
    lane,
    epoch,
    baseOf(epoch),
  ]);
  return { epoch, token: await takeToken(tx, lane) };
}

/** The lane is open on this Redis: sales may be announced to it. @returns false when a newer guard was here. */
export async function settleOn(
  pool: Pool,
  lane: number,
  { runId, token }: { runId: string; token: number },
): Promise<boolean> {
  const { rowCount } = await pool.query('UPDATE lanes SET run_id = $2 WHERE lane = $1 AND guard_token = $3', [
    lane,
    runId,
    token,
  ]);
  return rowCount === 1;
}

/** Ids of the sales that this lane must have: those whose load was confirmed. */
export async function readLoadedSales(pool: Pool, lane: number): Promise<string[]> {
  const { rows } = await pool.query<{ saleId: string }>(
    'SELECT sale_id AS "saleId" FROM sale_lanes WHERE lane = $1 AND loaded_at IS NOT NULL',
    [lane],
  );
  return rows.map(({ saleId }) => saleId);
}
