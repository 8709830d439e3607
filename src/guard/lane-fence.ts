import type { Pool, PoolClient } from 'pg';
import type { LaneInRedis } from '../stock/lane-gate.js';
import type { LaneInPostgres } from '../stock/lane-verdict.js';
import { VERSIONS_PER_EPOCH } from '../stock/version.js';

export async function readFence(db: Pool | PoolClient, lane: number): Promise<LaneInPostgres> {
  const { rows } = await db.query<LaneInPostgres>(
    `SELECT epoch, run_id AS "runId", max_version AS "maxVersion", recorded, rebuild_asked AS "rebuildAsked",
            NOT EXISTS (SELECT FROM sale_lanes WHERE lane = $1 AND loaded_epoch IS NOT NULL) AS "neverLoaded"
     FROM lanes WHERE lane = $1`,
    [lane],
  );
  if (!rows[0]) throw new Error(`Postgres has no lane ${lane}`);
  return rows[0];
}

/**
 * Raises the token above every one there was, so that a guard which was paused can change nothing any more. Redis may know a
 * higher one than Postgres: that went back when a replica was promoted.
 *
 * @returns the new token.
 */
export async function raiseToken(pool: Pool, lane: number, tokenInRedis: number): Promise<number> {
  const { rows } = await pool.query<{ token: number }>(
    'UPDATE lanes SET guard_token = greatest(guard_token, $2) + 1 WHERE lane = $1 RETURNING guard_token AS token',
    [lane, tokenInRedis],
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
       UPDATE lanes SET run_id = $2, guard_token = greatest(guard_token, $7) + 1
       WHERE lane = $1 AND epoch = $3 AND max_version <= $4 AND recorded >= $5
         AND run_id IS NOT DISTINCT FROM $6
       RETURNING guard_token
     ), sales_of_lane AS MATERIALIZED (
       SELECT sale_id FROM sale_lanes WHERE lane = $1 AND EXISTS (SELECT FROM fence) ORDER BY sale_id FOR NO KEY UPDATE
     ), reconfigured AS (
       UPDATE sale_lanes SET config_version = 0 FROM sales_of_lane s WHERE lane = $1 AND sale_lanes.sale_id = s.sale_id
     )
     SELECT guard_token AS token FROM fence`,
    [lane, redis.serverRunId, redis.epoch, redis.version, redis.recorded, judged.runId, redis.guardToken],
  );
  return rows[0]?.token;
}

/**
 * Lets what is read from the closed lane be stored, and nothing that was read from another Redis. When Redis is in a later
 * epoch, Postgres has forgotten that one (a replica was promoted) and goes on in it, with nothing recorded.
 *
 * @returns the epoch in which the lane is drained, or undefined when a newer guard was here.
 */
export async function takeOverClosed(
  pool: Pool,
  lane: number,
  { token, redis }: { token: number; redis: LaneInRedis },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ epoch: number }>(
    `UPDATE lanes SET run_id = $3, epoch = greatest(epoch, $4),
                      max_version = CASE WHEN epoch < $4 THEN $4::bigint * ${VERSIONS_PER_EPOCH} ELSE max_version END,
                      recorded = CASE WHEN epoch < $4 THEN 0 ELSE recorded END
     WHERE lane = $1 AND guard_token = $2 RETURNING epoch`,
    [lane, token, redis.serverRunId, redis.epoch],
  );
  return rows[0]?.epoch;
}

/** Ids of all sales that this lane carries, be they loaded or not. */
export async function readSales(pool: Pool, lane: number): Promise<string[]> {
  const { rows } = await pool.query<{ saleId: string }>('SELECT sale_id AS "saleId" FROM sale_lanes WHERE lane = $1', [
    lane,
  ]);
  return rows.map(({ saleId }) => saleId);
}

/** Ids of the sales that this lane must have: those whose load was confirmed, and that are not sealed. */
export async function readLoadedSales(pool: Pool, lane: number): Promise<string[]> {
  const { rows } = await pool.query<{ saleId: string }>(
    `SELECT sale_id AS "saleId" FROM sale_lanes JOIN sales USING (sale_id)
     WHERE lane = $1 AND loaded_at IS NOT NULL AND sealed_at IS NULL`,
    [lane],
  );
  return rows.map(({ saleId }) => saleId);
}
