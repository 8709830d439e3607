import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { failpoint } from '../platform/failpoint.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { recordReleases, type ReleasedOrder } from '../ledger/record-releases.js';
import type { OrderStream } from '../order-stream/order-stream.js';
import type { Stock } from '../stock/stock.js';

interface OwedOrder {
  saleId: string;
  orderId: string;
  buyer: string;
}

const FROM_THE_START = {
  saleId: '00000000-0000-0000-0000-000000000000',
  orderId: '00000000-0000-0000-0000-000000000000',
};

/** Orders of one pass: about 2 us of Redis each, and one transaction for all that are of one sale. */
const PER_PASS_MAX = 500;

/** Bounds what a process keeps in mind; the audit names all of them. */
const REPORTED_MAX = 1_000;

/**
 * Gives the units of orders back that are finished unpaid: first in Redis, then on record. Which orders these are Postgres
 * says alone: finished unpaid, without the version of a release.
 *
 * Promises:  units come back once, however often it is said and wherever it stops. A release that was made and not recorded
 *            is answered with its version the next time; one that a rebuild came in between of is never recorded.
 * Promises:  units are free in Postgres before they are free in Redis, so their next buyer is never vetoed.
 * Does not:  take MISSING for success. Such an order stays owed, is named here and in the audit, and blocks no other.
 */
export class GiveBack {
  /** Where the last pass stopped: orders that cannot be given back must not keep the others waiting. */
  #after = FROM_THE_START;
  readonly #reported = new Set<string>();

  constructor(
    private readonly lane: number,
    private readonly stock: Stock,
    private readonly stream: OrderStream,
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  /** One batch. @returns how many orders have their units back on record that had not before. */
  async runOnce(): Promise<number> {
    const owed = await this.readOwed();
    this.#after = owed.length === PER_PASS_MAX ? (owed.at(-1) as OwedOrder) : FROM_THE_START;
    let givenBack = 0;
    for (const saleId of new Set(owed.map((order) => order.saleId))) {
      const ofThisSale = owed.filter((order) => order.saleId === saleId);
      givenBack += await this.giveBack(saleId, ofThisSale);
    }
    return givenBack;
  }

  private async giveBack(saleId: string, orders: readonly OwedOrder[]): Promise<number> {
    const { releases, ...term } = await this.stock.release(this.lane, saleId, orders);
    const released: ReleasedOrder[] = [];
    for (const [index, release] of releases.entries()) {
      const { orderId } = orders[index] as OwedOrder;
      if ('version' in release) released.push({ saleId, orderId, version: release.version });
      else if (release.outcome === 'MISSING') this.reportMissing(saleId, orderId);
    }
    if (released.length === 0) return 0;
    failpoint('units-released');
    const where = { lane: this.lane, ...term };
    const recorded = await inTransaction(this.pool, (tx) => recordReleases(tx, where, released));
    if (!recorded) return 0;
    failpoint('release-recorded');
    await this.stream.acknowledge([], recorded);
    return recorded.changed;
  }

  /** Once for each order: it comes again with every pass. */
  private reportMissing(saleId: string, orderId: string): void {
    if (this.#reported.has(orderId) || this.#reported.size >= REPORTED_MAX) return;
    this.#reported.add(orderId);
    this.logger.error({ lane: this.lane, saleId, orderId }, 'Redis does not know an order whose units it is owed');
  }

  private async readOwed(): Promise<OwedOrder[]> {
    const { rows } = await this.pool.query<OwedOrder>(
      `SELECT sale_id AS "saleId", order_id AS "orderId", buyer_id AS buyer FROM orders
       WHERE lane = $1 AND released_version IS NULL AND status IN ('expired', 'cancelled', 'rejected')
         AND (sale_id, order_id) > ($2, $3)
       ORDER BY sale_id, order_id LIMIT $4`,
      [this.lane, this.#after.saleId, this.#after.orderId, PER_PASS_MAX],
    );
    return rows;
  }
}
