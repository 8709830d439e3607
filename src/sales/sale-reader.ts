import type { Logger } from 'pino';
import type { PrismaClient } from '../platform/postgres/prisma.js';
import { ShortMemory } from '../platform/short-memory.js';
import { isOpen, type LaneGate, type LaneInRedis } from '../stock/lane-gate.js';
import type { Stock } from '../stock/stock.js';
import { type SaleInRedis, type SaleView, type SaleWithLanes, viewSale } from './sale-view.js';

/** Promised to clients: `available` may be up to 1 s old. */
const REMEMBERED_MS = 1_000;
/** A page of sales that a client can read at once. */
const LISTED_MAX = 500;

/** What the public may know of sales: terms from Postgres, counters and clock from Redis. */
export class SaleReader {
  readonly #list = new ShortMemory<SaleView[]>(REMEMBERED_MS);
  readonly #sales = new ShortMemory<SaleView | undefined>(REMEMBERED_MS);

  constructor(
    private readonly prisma: PrismaClient,
    private readonly stock: Stock,
    private readonly gate: LaneGate,
    private readonly logger: Logger,
  ) {}

  /** Newest first. */
  list(): Promise<SaleView[]> {
    return this.#list.get('all', async () =>
      this.view(
        await this.prisma.sale.findMany({
          orderBy: { saleId: 'desc' },
          take: LISTED_MAX,
          include: { saleLanes: true },
        }),
      ),
    );
  }

  /** Undefined when there is no such sale. */
  read(saleId: string): Promise<SaleView | undefined> {
    return this.#sales.get(saleId, () => this.readNow(saleId));
  }

  /** The same, surely not older than this call. */
  async readNow(saleId: string): Promise<SaleView | undefined> {
    return (await this.readConfigured(saleId))?.sale;
  }

  /** With the version of its configuration. */
  async readConfigured(saleId: string): Promise<{ sale: SaleView; configVersion: number } | undefined> {
    const row = await this.prisma.sale.findUnique({ where: { saleId }, include: { saleLanes: true } });
    if (!row) return undefined;
    const [sale] = await this.view([row]);
    return { sale: sale as SaleView, configVersion: row.configVersion };
  }

  private async view(sales: SaleWithLanes[]): Promise<SaleView[]> {
    try {
      const [now, openLanes] = await Promise.all([this.stock.nowMs(), this.openLanesOf(sales)]);
      return await Promise.all(
        sales.map(async (sale) => viewSale(sale, await this.readCounters(sale, openLanes), new Date(now))),
      );
    } catch (error) {
      this.logger.warn({ err: error }, 'Redis does not say what is on sale');
      return sales.map((sale) => viewSale(sale, undefined, new Date()));
    }
  }

  private async openLanesOf(sales: SaleWithLanes[]): Promise<Set<number>> {
    const lanes = [...new Set(sales.flatMap((sale) => sale.saleLanes.map(({ lane }) => lane)))];
    const states = await Promise.all(lanes.map((lane) => this.gate.read(lane)));
    return new Set(lanes.filter((_, index) => isOpen(states[index] as LaneInRedis)));
  }

  private async readCounters(sale: SaleWithLanes, openLanes: Set<number>): Promise<SaleInRedis | undefined> {
    const sum = { total: 0, available: 0 };
    for (const { lane } of sale.saleLanes) {
      const counters = openLanes.has(lane) ? await this.stock.counters(lane, sale.saleId) : undefined;
      if (!counters) return undefined;
      sum.total += counters.total;
      sum.available += counters.available;
    }
    return sum;
  }
}
