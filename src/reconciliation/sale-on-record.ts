import type { PoolClient } from 'pg';
import { z } from 'zod';
import { count, instant } from '../platform/http/shapes.js';
import { patiently } from '../platform/postgres/patience.js';
import { WAITING_DECISIONS } from '../ledger/waiting-decisions.js';
import type { LaneInPostgres } from '../stock/lane-verdict.js';

/** The books of one sale in one lane, as Postgres has them, in units. */
export interface LaneOnRecord extends LaneInPostgres {
  lane: number;
  /** Redis has confirmed that the sale is there. */
  isLoaded: boolean;
  /** What is open of it is nothing, and Redis need not have it. */
  isSealed: boolean;
  /** Of the whole lane: decisions that can only be recorded once an operator has resolved them. */
  waitingDecisions: number;
  total: number;
  /** What `sale_lanes` counts: pending and paid together. */
  held: number;
  pendingPayment: number;
  paid: number;
  /** Finished unpaid; Redis has not got the units back yet. */
  toGiveBack: number;
  givenBack: number;
  /** Orders, not units, whose units Redis must hold. */
  unreleasedOrders: number;
  /** Of the whole lane: orders that are finished unpaid and not released. */
  owedOrders: number;
  /** Of the whole lane: adjustments between their two sides. */
  pendingAdjustments: number;
}

export async function selectSaleOnRecord(tx: PoolClient, saleId: string): Promise<LaneOnRecord[]> {
  const { rows } = await patiently<LaneOnRecord>(
    tx,
    `SELECT sl.lane, sl.total, sl.held, l.epoch, l.run_id AS "runId", l.max_version AS "maxVersion", l.recorded,
            l.rebuild_asked AS "rebuildAsked",
            sl.loaded_at IS NOT NULL AS "isLoaded", s.sealed_at IS NOT NULL AS "isSealed",
            NOT EXISTS (SELECT FROM sale_lanes x WHERE x.lane = sl.lane AND x.loaded_epoch IS NOT NULL) AS "neverLoaded",
            ${WAITING_DECISIONS} AS "waitingDecisions",
            (SELECT count(*) FROM stock_adjustments a WHERE a.lane = sl.lane AND a.state = 'pending') AS "pendingAdjustments",
            (SELECT count(*) FROM orders w WHERE w.lane = sl.lane AND w.released_version IS NULL
                                           AND w.status IN ('expired', 'cancelled', 'rejected')) AS "owedOrders",
            coalesce(o.pending, 0) AS "pendingPayment", coalesce(o.paid, 0) AS paid,
            coalesce(o.to_give_back, 0) AS "toGiveBack", coalesce(o.given_back, 0) AS "givenBack",
            coalesce(o.unreleased, 0) AS "unreleasedOrders"
     FROM sale_lanes sl JOIN lanes l USING (lane) JOIN sales s USING (sale_id)
     LEFT JOIN LATERAL (
       SELECT sum(quantity) FILTER (WHERE status = 'pending_payment') AS pending,
              sum(quantity) FILTER (WHERE status = 'paid') AS paid,
              sum(quantity) FILTER (WHERE status NOT IN ('pending_payment', 'paid') AND released_version IS NULL) AS to_give_back,
              sum(quantity) FILTER (WHERE released_version IS NOT NULL) AS given_back,
              count(*) FILTER (WHERE released_version IS NULL) AS unreleased
       FROM orders WHERE sale_id = sl.sale_id AND orders.lane = sl.lane
     ) o ON true
     WHERE sl.sale_id = $1 ORDER BY sl.lane`,
    [saleId],
  );
  return rows;
}

export async function countOpenDeadLetters(tx: PoolClient, saleId: string): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    "SELECT count(*) FROM dead_letters WHERE sale_id = $1 AND state = 'open'",
    [saleId],
  );
  return rows[0]?.count ?? 0;
}

/** What became of a lane the last time it was rebuilt. */
export const lastRebuildShape = z.object({
  epoch: count,
  because: z.string(),
  beganAt: instant,
  openedAt: instant.nullable().meta({ description: 'Null while it is written' }),
  orders: count.meta({ description: 'Orders that were written' }),
  givenBack: count.meta({ description: 'Orders whose units it gave back' }),
  lost: count.meta({ description: 'Decisions that buyers were told of and that were found nowhere' }),
});
export type LastRebuild = z.infer<typeof lastRebuildShape>;

export async function selectLastRebuild(tx: PoolClient, lane: number): Promise<LastRebuild | null> {
  const { rows } = await tx.query<Omit<LastRebuild, 'beganAt' | 'openedAt'> & { beganAt: Date; openedAt: Date | null }>(
    `SELECT epoch, because, began_at AS "beganAt", opened_at AS "openedAt", orders, given_back AS "givenBack", lost
     FROM rebuilds WHERE lane = $1 ORDER BY epoch DESC LIMIT 1`,
    [lane],
  );
  const last = rows[0];
  if (!last) return null;
  return { ...last, beganAt: last.beganAt.toISOString(), openedAt: last.openedAt?.toISOString() ?? null };
}
