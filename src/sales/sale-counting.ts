import type { Pool } from 'pg';
import { z } from 'zod';
import { count } from '../platform/http/shapes.js';
import type { SaleView } from './sale-view.js';

/** What Postgres has counted of a sale. */
interface Counted {
  saleId: string;
  configVersion: number;
  pendingUnits: number;
  paidUnits: number;
  toGiveBackUnits: number;
  deadLetters: number;
}

/** The counters of a sale for its operator. */
export const saleBooksShape = z
  .object({
    available: count,
    held: count.meta({ description: 'Stored, and waiting for their payment' }),
    sold: count,
    queued: count.meta({ description: 'Taken in Redis, and not stored yet' }),
    deadLetters: count.meta({ description: 'Open dead letters' }),
  })
  .meta({ id: 'SaleBooks', description: 'All but the last in units' });
export type SaleBooks = z.infer<typeof saleBooksShape>;

export class SaleCounting {
  constructor(private readonly pool: Pool) {}

  async count(saleIds: readonly string[]): Promise<Map<string, Counted>> {
    const { rows } = await this.pool.query<Counted>(
      `SELECT s.sale_id AS "saleId", s.config_version AS "configVersion",
              coalesce(o.pending, 0) AS "pendingUnits", coalesce(o.paid, 0) AS "paidUnits",
              coalesce(o.to_give_back, 0) AS "toGiveBackUnits",
              (SELECT count(*) FROM dead_letters d WHERE d.sale_id = s.sale_id AND d.state = 'open') AS "deadLetters"
       FROM sales s
       LEFT JOIN LATERAL (
         SELECT sum(quantity) FILTER (WHERE status = 'pending_payment') AS pending,
                sum(quantity) FILTER (WHERE status = 'paid') AS paid,
                sum(quantity) FILTER (WHERE status NOT IN ('pending_payment', 'paid') AND released_version IS NULL) AS to_give_back
         FROM orders WHERE sale_id = s.sale_id
       ) o ON true
       WHERE s.sale_id = ANY($1::uuid[])`,
      [saleIds],
    );
    return new Map(rows.map((counted) => [counted.saleId, counted]));
  }

  /** Read at two moments: `queued` may be a little off while orders are being stored. The audit is exact. */
  booksOf(sale: SaleView, counters: ReadonlyMap<string, Counted>): SaleBooks {
    const counted = counters.get(sale.saleId);
    const held = counted?.pendingUnits ?? 0;
    const sold = counted?.paidUnits ?? 0;
    const { total, available } = sale.stock;
    return {
      available,
      held,
      sold,
      queued: Math.max(0, total - available - held - sold - (counted?.toGiveBackUnits ?? 0)),
      deadLetters: counted?.deadLetters ?? 0,
    };
  }
}
