import type { Pool, PoolClient } from 'pg';
import { isStillInTerm } from '../ledger/record-releases.js';
import { recordAdminAction } from '../platform/postgres/record-admin-action.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { isOpen, type LaneGate } from '../stock/lane-gate.js';
import type { Stock } from '../stock/stock.js';
import type { SaleOffice } from './sale-office.js';

/** What keeps a sale from being sealed, in words. */
export interface StillOpen {
  stillOpen: string[];
}

/** `recorded`: the sale is ended, and not everything obeys yet. `not-now`: a lane of it cannot be read. */
export type Sealed = 'sealed' | 'unknown-sale' | 'recorded' | 'not-now' | StillOpen;

/** One lane of the sale, as Redis has it. */
interface LaneNow {
  lane: number;
  epoch: number;
  runId: string;
  held: number;
}

interface OnRecord {
  lane: number;
  held: number;
  waiting: number;
  owed: number;
  adjusting: number;
  deadLetters: number;
}

/**
 * Seals a sale that is over: nothing about it changes any more, and Redis need not hold it.
 *
 * Promises:  nothing of it is open then: no order waits for its payment, to be stored, or to give its units back.
 * Promises:  known keys are answered as before, from Postgres (intake/sealed-orders.ts).
 * Does not:  take it out of Redis itself, see RemoveSealedSales.
 */
export class SealSales {
  constructor(
    private readonly pool: Pool,
    private readonly office: SaleOffice,
    private readonly stock: Stock,
    private readonly gate: LaneGate,
  ) {}

  async seal(saleId: string, operator: string): Promise<Sealed> {
    const state = await this.readState(saleId);
    if (state === undefined) return 'unknown-sale';
    if (state === 'sealed') return 'sealed';
    if (state === 'going-on') return { stillOpen: ['the sale is not over: end it first'] };
    // Ended in Redis as well, so that from here on nothing is accepted: what it holds can only become less.
    if ((await this.office.steer(saleId, 'end', operator)) !== 'in-force') return 'recorded';
    const lanes = await this.readLanes(saleId);
    if (!lanes) return 'not-now';
    return inTransaction(this.pool, (tx) => sealIfDone(tx, { saleId, operator, lanes }));
  }

  private async readState(saleId: string): Promise<'sealed' | 'over' | 'going-on' | undefined> {
    const { rows } = await this.pool.query<{ state: 'sealed' | 'over' | 'going-on' }>(
      `SELECT CASE WHEN sealed_at IS NOT NULL THEN 'sealed' WHEN coalesce(ended_at, ends_at) <= now() THEN 'over'
                   ELSE 'going-on' END AS state
       FROM sales WHERE sale_id = $1`,
      [saleId],
    );
    return rows[0]?.state;
  }

  private async readLanes(saleId: string): Promise<LaneNow[] | undefined> {
    const { rows } = await this.pool.query<{ lane: number }>(
      'SELECT lane FROM sale_lanes WHERE sale_id = $1 ORDER BY lane',
      [saleId],
    );
    const lanes: LaneNow[] = [];
    for (const { lane } of rows) {
      const counters = await this.stock.counters(lane, saleId);
      const redis = await this.gate.read(lane);
      if (!counters || !isOpen(redis)) return undefined;
      const { epoch, serverRunId: runId } = redis;
      lanes.push({ lane, epoch, runId, held: counters.total - counters.available });
    }
    return lanes;
  }
}

/** Redis was read before: what it held then and Postgres holds now is stored, and all of it. */
async function sealIfDone(
  tx: PoolClient,
  { saleId, operator, lanes }: { saleId: string; operator: string; lanes: readonly LaneNow[] },
): Promise<Sealed> {
  await tx.query('SELECT FROM sales WHERE sale_id = $1 FOR NO KEY UPDATE', [saleId]);
  for (const { lane, ...term } of lanes) if (!(await isStillInTerm(tx, lane, term))) return 'not-now';
  // Who begins an adjustment waits here, and then sees that it is sealed.
  await tx.query('SELECT FROM sale_lanes WHERE sale_id = $1 ORDER BY lane FOR NO KEY UPDATE', [saleId]);
  const onRecord = new Map((await selectOpen(tx, saleId)).map((row) => [row.lane, row]));
  const stillOpen = [...new Set(lanes.flatMap((now) => whatIsOpen(now, onRecord.get(now.lane))))];
  if (stillOpen.length > 0) return { stillOpen };
  const { rowCount } = await tx.query('UPDATE sales SET sealed_at = now() WHERE sale_id = $1 AND sealed_at IS NULL', [
    saleId,
  ]);
  if (rowCount) await recordAdminAction(tx, { actor: operator, action: 'sale.seal', subject: saleId });
  return 'sealed';
}

function whatIsOpen(now: LaneNow, onRecord: OnRecord | undefined): string[] {
  if (!onRecord) return ['its lanes are not known'];
  const { waiting, owed, adjusting, deadLetters, held } = onRecord;
  const open: [number, string][] = [
    [waiting, `${waiting} orders wait for their payment`],
    [owed, `units of ${owed} orders are not back yet`],
    [adjusting, 'an adjustment of its stock is not finished'],
    [deadLetters, `${deadLetters} dead letters are open`],
    [
      now.held - held,
      `Redis holds ${now.held} units, PostgreSQL ${held}: orders wait to be stored, or the books differ`,
    ],
  ];
  return open.filter(([count]) => count !== 0).map(([, words]) => words);
}

async function selectOpen(tx: PoolClient, saleId: string): Promise<OnRecord[]> {
  const { rows } = await tx.query<OnRecord>(
    `SELECT sl.lane, count(o.order_id) FILTER (WHERE o.status = 'pending_payment') AS waiting,
            count(o.order_id) FILTER (WHERE o.status NOT IN ('pending_payment', 'paid') AND o.released_version IS NULL) AS owed,
            coalesce(sum(o.quantity) FILTER (WHERE o.released_version IS NULL), 0) AS held,
            (SELECT count(*) FROM stock_adjustments a
             WHERE a.sale_id = sl.sale_id AND a.lane = sl.lane AND a.state = 'pending') AS adjusting,
            (SELECT count(*) FROM dead_letters d WHERE d.sale_id = sl.sale_id AND d.state = 'open') AS "deadLetters"
     FROM sale_lanes sl LEFT JOIN orders o ON o.sale_id = sl.sale_id AND o.lane = sl.lane
     WHERE sl.sale_id = $1 GROUP BY sl.sale_id, sl.lane`,
    [saleId],
  );
  return rows;
}
