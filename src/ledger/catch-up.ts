import type { Pool } from 'pg';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { AcceptedOrder } from '../order-stream/accepted-order.js';
import type { OrderStatus } from '../orders/order-status.js';
import type { Stock } from '../stock/stock.js';
import type { LaneLedger } from './lane-ledger.js';
import { recordReleases, type Term } from './record-releases.js';
import { type ReleasedInRedis, restoreFinished } from './restore-finished.js';

type OrderInRedis = AcceptedOrder & { releasedVersion: number | undefined };

/** What Postgres did not know. */
export interface CaughtUp {
  stored: number;
  released: number;
  /** Orders that Postgres has forgotten to have finished: it went back. */
  forgotten: number;
}

/** An order of a page, with what Postgres lacks of it; null status: the whole order. */
interface Behind {
  order: OrderInRedis;
  status: OrderStatus | null;
}

const isMissing = ({ status, order }: Behind): boolean => status === null && order.releasedVersion === undefined;

const isForgotten = ({ status, order }: Behind): boolean =>
  (status === null || status === 'pending_payment') && order.releasedVersion !== undefined;

/**
 * Brings on record what `buyers` shows and Postgres has not: an entry in `buyers` without a row is an accepted order, and
 * never an orphan to release, whatever became of its stream entry.
 *
 * Promises:  flat memory: buyers are read page by page. Repeating any part changes nothing.
 * Does not:  touch an order that is an open dead letter: that one waits for its operator.
 */
export class CatchUp {
  constructor(
    private readonly lane: number,
    private readonly stock: Stock,
    private readonly ledger: LaneLedger,
    private readonly pool: Pool,
  ) {}

  /**
   * What was given back goes first, and only then what is missing is stored: until an order is finished its units are taken,
   * and their next buyer would be vetoed.
   *
   * @param isRebuilding then orders are finished again that Postgres has forgotten to have finished. In a lane that is open
   *        they are only counted, and nothing is stored beside them.
   * @param goOn called before each page; throws to stop.
   * @throws when the lane is not in this term any more, or Redis is another one.
   */
  async run(term: Term, { isRebuilding, goOn }: { isRebuilding: boolean; goOn: () => void }): Promise<CaughtUp> {
    const found: CaughtUp = { stored: 0, released: 0, forgotten: 0 };
    let missing = 0;
    const saleIds = await this.readSales();
    for (const saleId of saleIds) {
      for await (const behind of this.behind(term, saleId, goOn)) {
        found.released += await this.recordReleased(term, behind);
        const forgotten = behind.filter(isForgotten).map(({ order }) => order as ReleasedInRedis);
        found.forgotten += forgotten.length;
        if (isRebuilding) await this.finishAgain(term, saleId, forgotten);
        missing += behind.filter(isMissing).length;
      }
    }
    if (missing === 0 || (found.forgotten > 0 && !isRebuilding)) return found;
    for (const saleId of saleIds) {
      for await (const behind of this.behind(term, saleId, goOn)) found.stored += await this.store(term, behind);
    }
    return found;
  }

  private async store(term: Term, behind: readonly Behind[]): Promise<number> {
    const missing = behind.filter(isMissing);
    await this.ledger.storeAgain(
      term,
      missing.map(({ order }) => order),
    );
    return missing.length;
  }

  private async recordReleased(term: Term, behind: readonly Behind[]): Promise<number> {
    const releases = behind
      .filter(({ status }) => status === 'expired' || status === 'cancelled' || status === 'rejected')
      .map(({ order }) => ({ ...order, version: order.releasedVersion as number }));
    if (releases.length === 0) return 0;
    const where = { ...term, lane: this.lane };
    const recorded = await inTransaction(this.pool, (tx) => recordReleases(tx, where, releases));
    if (!recorded) throw new Error(`lane ${this.lane} is not in epoch ${term.epoch} on Redis ${term.runId} any more`);
    return recorded.changed;
  }

  private async finishAgain(term: Term, saleId: string, orders: readonly ReleasedInRedis[]): Promise<void> {
    if (orders.length === 0) return;
    const where = { ...term, lane: this.lane, saleId };
    if (!(await inTransaction(this.pool, (tx) => restoreFinished(tx, where, orders)))) {
      throw new Error(`lane ${this.lane} is not in epoch ${term.epoch} on Redis ${term.runId} any more`);
    }
  }

  private async readSales(): Promise<string[]> {
    const { rows } = await this.pool.query<{ saleId: string }>(
      'SELECT sale_id AS "saleId" FROM sale_lanes WHERE lane = $1 AND loaded_epoch IS NOT NULL ORDER BY sale_id',
      [this.lane],
    );
    return rows.map(({ saleId }) => saleId);
  }

  private async *behind({ runId }: Term, saleId: string, goOn: () => void): AsyncGenerator<Behind[]> {
    for await (const page of this.stock.scanBuyers(this.lane, saleId, runId)) {
      goOn();
      const orders = page.flatMap(({ buyer, orders: held }) => held.map((order) => ({ ...order, buyer, saleId })));
      const behind = await selectBehind(this.pool, this.lane, orders);
      if (behind.length > 0) yield behind;
    }
  }
}

async function selectBehind(pool: Pool, lane: number, orders: readonly OrderInRedis[]): Promise<Behind[]> {
  const { rows } = await pool.query<{ position: number; status: OrderStatus | null }>(
    `SELECT e.position, o.status
     FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS e (order_id, released_version, position)
     LEFT JOIN orders o ON o.sale_id = $4 AND o.order_id = e.order_id
     WHERE (o.order_id IS NULL OR (e.released_version IS NOT NULL AND o.released_version IS NULL))
       AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.lane = $1 AND d.state = 'open' AND d.order_id = e.order_id)`,
    [
      lane,
      orders.map(({ orderId }) => orderId),
      orders.map(({ releasedVersion }) => releasedVersion ?? null),
      orders[0]?.saleId,
    ],
  );
  return rows.map(({ position, status }) => ({ order: orders[position - 1] as OrderInRedis, status }));
}
