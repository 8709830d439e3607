import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { isStillInTerm } from '../ledger/record-releases.js';
import { failpoint } from '../platform/failpoint.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { Stock } from '../stock/stock.js';

interface SealedLane {
  saleId: string;
  lane: number;
  /** Units that paid orders hold. */
  held: number;
}

/** Bounds one pass; each is a script and a transaction. */
const PER_PASS_MAX = 100;

/**
 * How long a sealed sale stays in Redis: until every API process knows that it is sealed (orders/sale-terms.ts looks twice a
 * second), so that no buyer meets a lane without it.
 */
const STAYS_SECONDS = 5;

/**
 * Takes sealed sales out of Redis.
 *
 * Promises:  a sale goes only if Redis holds exactly the units that Postgres has on record.
 * Promises:  it is noted as gone only in the epoch and on the Redis it was taken from: a rebuild that came between may have written
 *            it again, and then it is taken out again.
 */
export class RemoveSealedSales {
  readonly #reported = new Set<string>();

  constructor(
    private readonly pool: Pool,
    private readonly stock: Stock,
    private readonly logger: Logger,
    private readonly staysSeconds = STAYS_SECONDS,
  ) {}

  /** @returns how many lanes of sales it took out. */
  async runOnce(): Promise<number> {
    let removed = 0;
    for (const sealed of await this.readSealed()) removed += Number(await this.remove(sealed));
    return removed;
  }

  private async remove({ saleId, lane, held }: SealedLane): Promise<boolean> {
    const { outcome, ...term } = await this.stock.remove(lane, saleId, held);
    failpoint('sale-removed');
    if (outcome === 'DIFFERENT') this.report(saleId, lane);
    if (outcome !== 'REMOVED') return false;
    return inTransaction(this.pool, async (tx) => {
      if (!(await isStillInTerm(tx, lane, term))) return false;
      await tx.query('UPDATE sale_lanes SET removed_at = now() WHERE sale_id = $1 AND lane = $2', [saleId, lane]);
      return true;
    });
  }

  /** Once for each: it comes again with every pass. The audit names what differs. */
  private report(saleId: string, lane: number): void {
    if (this.#reported.has(saleId)) return;
    this.#reported.add(saleId);
    this.logger.error({ saleId, lane }, 'Redis holds other units of a sealed sale than Postgres: it stays there');
  }

  /** In no order: those of a closed lane have to wait, and must not keep the others back. */
  private async readSealed(): Promise<SealedLane[]> {
    const { rows } = await this.pool.query<SealedLane>(
      `SELECT sl.sale_id AS "saleId", sl.lane, sl.held FROM sale_lanes sl JOIN sales s USING (sale_id)
       WHERE s.sealed_at < now() - make_interval(secs => $1) AND sl.removed_at IS NULL ORDER BY random() LIMIT $2`,
      [this.staysSeconds, PER_PASS_MAX],
    );
    return rows;
  }
}
