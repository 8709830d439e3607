import { v7 as uuidv7 } from 'uuid';
import type { PrismaClient } from '../platform/postgres/prisma.js';
import { lanesOf } from '../stock/lane-of.js';
import type { NewSale } from './new-sale.js';
import type { SaleLoader } from './sale-loader.js';

/** What an operator can do to a sale at once. */
export type SaleOrder = 'pause' | 'resume' | 'end';

/**
 * Where sales are made and steered: Postgres first, then Redis.
 *
 * Promises:  a crash between the two leaves nothing undone for long; the loader's next pass finishes it.
 */
export class SaleOffice {
  constructor(
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
    await this.loader.push(saleId).catch(() => undefined); // the loader's next pass does it
    return saleId;
  }

  /**
   * Pauses, resumes or ends a sale; saying it again changes nothing.
   *
   * @returns `in-force` when every lane obeys, `recorded` when Redis does not yet (it will), `unknown-sale`.
   */
  async steer(saleId: string, order: SaleOrder): Promise<'in-force' | 'recorded' | 'unknown-sale'> {
    const change = { pause: { paused: true }, resume: { paused: false }, end: { endedAt: new Date() } }[order];
    const unlessDone = { pause: { paused: false }, resume: { paused: true }, end: { endedAt: null } }[order];
    const { count } = await this.prisma.sale.updateMany({
      where: { saleId, ...unlessDone },
      data: { ...change, configVersion: { increment: 1 } },
    });
    if (count === 0 && (await this.prisma.sale.count({ where: { saleId } })) === 0) return 'unknown-sale';
    const obeyed = await this.loader.push(saleId).catch(() => false);
    return obeyed ? 'in-force' : 'recorded';
  }
}

/** The first lanes get one unit more when the stock cannot be split evenly. */
const share = (stock: number, lanes: number, index: number) => Math.floor((stock + lanes - 1 - index) / lanes);
