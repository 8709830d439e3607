import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { PrismaClient } from '../platform/postgres/prisma.js';
import { recordAdminAction } from '../platform/postgres/record-admin-action.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { lanesOf } from '../stock/lane-of.js';
import { changeSale, type Changed, type ChangeWish } from './change-sale.js';
import type { NewSale } from './new-sale.js';
import type { SaleLoader } from './sale-loader.js';

/** What an operator can do to a sale at once. */
export type SaleOrder = 'pause' | 'resume' | 'end';

/** `in-force`: every lane obeys. `recorded`: Redis does not yet; it will. */
export type Obeyed = 'in-force' | 'recorded';

/** What an order changes, and where there is something to change. */
const ORDERS: Record<SaleOrder, [change: string, unlessDone: string]> = {
  pause: ['paused = true', 'NOT paused'],
  resume: ['paused = false', 'paused'],
  end: ['ended_at = now()', 'ended_at IS NULL'],
};

/**
 * Where sales are made and steered: Postgres first, then Redis.
 *
 * Promises:  a crash between the two leaves nothing undone for long; the loader's next pass finishes it.
 */
export class SaleOffice {
  constructor(
    private readonly pool: Pool,
    private readonly prisma: PrismaClient,
    private readonly loader: SaleLoader,
    private readonly stockLanes: number,
  ) {}

  /** @returns the id of the sale. It is on sale from `startsAt`, as soon as its lane is open. */
  async create({ stock, maxPerOrder, ...sale }: NewSale): Promise<string> {
    const saleId = uuidv7();
    const lanes = lanesOf(saleId, sale.lanes, this.stockLanes);
    await this.prisma.sale.create({
      data: {
        ...sale,
        saleId,
        startsAt: new Date(sale.startsAt),
        endsAt: new Date(sale.endsAt),
        maxPerOrder: maxPerOrder ?? sale.perUserLimit,
        saleLanes: { create: lanes.map((lane, index) => ({ lane, total: share(stock, lanes.length, index) })) },
      },
    });
    await this.push(saleId);
    return saleId;
  }

  /** Changes terms of a sale, see changeSale. */
  async change(wish: ChangeWish): Promise<Exclude<Changed, 'changed'> | Obeyed> {
    const changed = await inTransaction(this.pool, (tx) => changeSale(tx, wish));
    return changed === 'changed' ? this.push(wish.saleId) : changed;
  }

  /** Pauses, resumes or ends a sale; saying it again changes nothing, and a sealed one stays as it is. */
  async steer(saleId: string, order: SaleOrder, operator: string): Promise<Obeyed | 'unknown-sale'> {
    const [change, unlessDone] = ORDERS[order];
    const isKnown = await inTransaction(this.pool, async (tx) => {
      const { rowCount } = await tx.query(
        `UPDATE sales SET ${change}, config_version = config_version + 1
         WHERE sale_id = $1 AND sealed_at IS NULL AND ${unlessDone}`,
        [saleId],
      );
      if (rowCount) await recordAdminAction(tx, { actor: operator, action: `sale.${order}`, subject: saleId });
      return rowCount === 1 || (await tx.query('SELECT FROM sales WHERE sale_id = $1', [saleId])).rowCount === 1;
    });
    return isKnown ? this.push(saleId) : 'unknown-sale';
  }

  private async push(saleId: string): Promise<Obeyed> {
    const obeyed = await this.loader.push(saleId).catch(() => false);
    return obeyed ? 'in-force' : 'recorded';
  }
}

/** The first lanes get one unit more when the stock cannot be split evenly. */
const share = (stock: number, lanes: number, index: number) => Math.floor((stock + lanes - 1 - index) / lanes);
