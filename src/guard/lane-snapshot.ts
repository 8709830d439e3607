import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { bePatient, patiently } from '../platform/postgres/patience.js';
import { inSnapshot } from '../platform/postgres/transaction.js';
import type { HeldOrder } from '../stock/buyer-record.js';
import type { ClosedLane, LaneWriter, SaleToWrite } from '../stock/lane-writer.js';
import type { SaleConfiguration } from '../stock/stock.js';

/** Orders read at once; about as many buyers are written by one script call, which holds Redis for some 5 ms. */
const PAGE = 2_000;

type SaleRow = Omit<SaleToWrite, 'configuration' | 'adjustment'> &
  SaleConfiguration & { adjustment: number; adjustmentAnswer: number | null };

type OrderRow = Omit<HeldOrder, 'releasedVersion'> & { buyer: string; releasedVersion: number | null };

type Buyer = { buyer: string; held: number; orders: HeldOrder[] };

/**
 * Writes all sales of a closed lane, and their buyers, from one snapshot of Postgres.
 *
 * Promises:  held is every order without the version of a release, whatever its status: an order that has finished since the
 *            epoch began is still held, and is given back as any other.
 * Promises:  flat memory, and no script that holds Redis for long.
 */
export class LaneSnapshot {
  /** One lane at a time: each holds a connection to Postgres, and a process has few. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly pool: Pool,
    private readonly writer: LaneWriter,
    private readonly logger: Logger,
  ) {}

  /** @returns how many orders it wrote. @throws NotOurs */
  write(closed: ClosedLane, goOn: () => void): Promise<number> {
    const written = this.#turn.then(() => this.writeNow(closed, goOn));
    this.#turn = written.catch(() => undefined);
    return written;
  }

  private async setOthersAside(closed: ClosedLane, sales: readonly SaleToWrite[]): Promise<void> {
    const aside = await this.writer.keepOnly(closed, new Set(sales.map(({ saleId }) => saleId)));
    if (aside.length > 0) {
      this.logger.error({ lane: closed.lane, saleIds: aside }, 'rebuild: sales set aside that Postgres does not know');
    }
  }

  private writeNow(closed: ClosedLane, goOn: () => void): Promise<number> {
    return inSnapshot(this.pool, async (tx) => {
      await bePatient(tx);
      let orders = 0;
      const sales = await readSales(tx, closed.lane);
      await this.setOthersAside(closed, sales);
      for (const sale of sales) {
        await this.writer.writeSale(closed, sale);
        for await (const page of readBuyers(tx, closed.lane, sale.saleId)) {
          goOn();
          await this.writer.writeBuyers(closed, sale.saleId, page);
          orders += page.reduce((count, buyer) => count + buyer.orders.length, 0);
        }
      }
      return orders;
    });
  }
}

/**
 * A raise that is pending is in Postgres' total already, so it counts as applied; a pending lowering is not, and will be
 * applied by its script.
 */
async function readSales(tx: PoolClient, lane: number): Promise<SaleToWrite[]> {
  const { rows } = await patiently<SaleRow & { isRefused: boolean }>(
    tx,
    `SELECT sl.sale_id AS "saleId", sl.total,
            sl.total - coalesce((SELECT sum(quantity) FROM orders o
                                 WHERE o.sale_id = sl.sale_id AND o.lane = sl.lane AND released_version IS NULL), 0) AS available,
            coalesce(a.number, 0) AS adjustment, coalesce(a.version, 0) AS "adjustmentAnswer",
            coalesce(a.state = 'refused', false) AS "isRefused",
            s.config_version AS version, s.paused, s.ended_at IS NOT NULL AS ended, s.per_user_limit AS "perUserLimit",
            (extract(epoch FROM s.starts_at) * 1000)::bigint AS "startsAtMs",
            (extract(epoch FROM s.ends_at) * 1000)::bigint AS "endsAtMs"
     FROM sale_lanes sl JOIN sales s USING (sale_id)
     LEFT JOIN LATERAL (
       SELECT number, version, state FROM stock_adjustments
       WHERE sale_id = sl.sale_id AND lane = sl.lane AND (state <> 'pending' OR delta > 0)
       ORDER BY number DESC LIMIT 1
     ) a ON true
     WHERE sl.lane = $1 AND sl.loaded_epoch IS NOT NULL AND sl.removed_at IS NULL ORDER BY sl.sale_id`,
    [lane],
  );
  return rows.map(({ saleId, total, available, adjustment, adjustmentAnswer, isRefused, ...configuration }) => ({
    saleId,
    total,
    available,
    adjustment: { number: adjustment, answer: isRefused ? 'refused' : (adjustmentAnswer ?? 0) },
    configuration,
  }));
}

/** Each buyer whole, in pages of about {@link PAGE} orders. */
async function* readBuyers(tx: PoolClient, lane: number, saleId: string): AsyncGenerator<Buyer[]> {
  await tx.query(
    `DECLARE orders_of_a_sale NO SCROLL CURSOR FOR
     SELECT buyer_id AS buyer, idempotency_key AS "idempotencyKey", order_id AS "orderId", quantity,
            released_version AS "releasedVersion", version,
            (extract(epoch FROM decided_at) * 1000)::bigint AS "decidedAtMs"
     FROM orders WHERE sale_id = $1 AND lane = $2 ORDER BY buyer_id, version`,
    [saleId, lane],
  );
  let last: Buyer | undefined;
  for (;;) {
    const { rows } = await patiently<OrderRow>(tx, `FETCH ${PAGE} FROM orders_of_a_sale`);
    const page: Buyer[] = [];
    for (const { buyer, releasedVersion, ...order } of rows) {
      if (last?.buyer !== buyer) {
        if (last) page.push(last);
        last = { buyer, held: 0, orders: [] };
      }
      last.orders.push({ ...order, releasedVersion: releasedVersion ?? undefined });
      if (releasedVersion === null) last.held += order.quantity;
    }
    if (rows.length < PAGE && last) page.push(last);
    if (page.length > 0) yield page;
    if (rows.length < PAGE) break;
  }
  await tx.query('CLOSE orders_of_a_sale');
}
