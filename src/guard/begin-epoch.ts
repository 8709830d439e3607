import type { PoolClient } from 'pg';
import { bePatient, patiently } from '../platform/postgres/patience.js';
import { baseOf } from '../stock/version.js';

export interface EpochWishes {
  /** Of the guard that closed the lane, and the Redis on which it did. */
  token: number;
  runId: string;
  /** Of the lane in Redis, as far as it has one. */
  redisEpoch: number;
  beganAt: Date;
  because: string;
  /** Decisions that are gone. */
  lost: number;
}

export interface BegunEpoch {
  epoch: number;
  /** Orders whose units this rebuild gives back: the first decisions of the epoch. */
  givenBack: number;
}

const FINISHED_UNRELEASED = `lane = $1 AND released_version IS NULL AND status IN ('expired', 'cancelled', 'rejected')`;

/**
 * Begins the next epoch of a closed lane, in the caller's transaction. From its commit on nothing of the old epoch is stored
 * or recorded.
 *
 * Orders that are finished unpaid and not released may be free in the Redis that is gone, and sold again: so they are
 * released here, and their units count as free. Those that finish only now were never free, for the lane was closed before.
 * They are locked before the lane, as everywhere.
 *
 * @returns undefined when a newer guard was here: nothing changed.
 */
export async function beginEpoch(
  tx: PoolClient,
  lane: number,
  { token, runId, redisEpoch, beganAt, because, lost }: EpochWishes,
): Promise<BegunEpoch | undefined> {
  await bePatient(tx);
  await lockOwed(tx, lane);
  const { rows } = await tx.query<{ epoch: number }>(
    'SELECT epoch FROM lanes WHERE lane = $1 AND guard_token = $2 AND run_id = $3 FOR NO KEY UPDATE',
    [lane, token, runId],
  );
  if (!rows[0]) return undefined;

  const epoch = Math.max(rows[0].epoch, redisEpoch) + 1;
  const givenBack = await releaseOwed(tx, lane, baseOf(epoch));
  await announceSales(tx, lane, epoch);
  await tx.query(`UPDATE lanes SET epoch = $2, max_version = $3, recorded = $4, rebuild_asked = NULL WHERE lane = $1`, [
    lane,
    epoch,
    baseOf(epoch) + givenBack,
    givenBack,
  ]);
  await tx.query(
    'INSERT INTO rebuilds (lane, epoch, began_at, given_back, lost, because) VALUES ($1, $2, $3, $4, $5, $6)',
    [lane, epoch, beganAt, givenBack, lost, because],
  );
  return { epoch, givenBack };
}

async function lockOwed(tx: PoolClient, lane: number): Promise<void> {
  await patiently(
    tx,
    `SELECT count(*) FROM (
       SELECT FROM orders WHERE ${FINISHED_UNRELEASED} ORDER BY sale_id, order_id FOR NO KEY UPDATE
     ) AS locked`,
    [lane],
  );
}

/** Passes over those that have finished since: whoever finishes them may wait for a lock of ours. */
async function releaseOwed(tx: PoolClient, lane: number, base: number): Promise<number> {
  const { rowCount } = await patiently(
    tx,
    `UPDATE orders SET released_version = $2 + due.n
     FROM (
       SELECT sale_id, order_id, row_number() OVER () AS n
       FROM (SELECT sale_id, order_id FROM orders WHERE ${FINISHED_UNRELEASED} FOR NO KEY UPDATE SKIP LOCKED) AS mine
     ) AS due
     WHERE orders.sale_id = due.sale_id AND orders.order_id = due.order_id`,
    [lane, base],
  );
  return rowCount ?? 0;
}

/** The rebuild loads every sale that was announced; its configuration is sent once more, should it change meanwhile. */
async function announceSales(tx: PoolClient, lane: number, epoch: number): Promise<void> {
  await tx.query('SELECT FROM sale_lanes WHERE lane = $1 ORDER BY sale_id FOR NO KEY UPDATE', [lane]);
  await tx.query(
    `UPDATE sale_lanes SET loaded_epoch = $2, loaded_at = coalesce(loaded_at, now()), config_version = 0
     WHERE lane = $1 AND loaded_epoch IS NOT NULL`,
    [lane, epoch],
  );
}
