import { v7 as uuidv7 } from 'uuid';
import { OrderStreams } from '../../src/order-stream/order-streams.js';
import { type Adjusted, StockAdjustments } from '../../src/sales/stock-adjustments.js';
import type { Corner } from './corner.js';
import { silent } from './lane-parts.js';

export const STOCK = 10;

interface Row {
  number: number;
  delta: number;
  state: string;
  version: number | null;
}

/** An operator who adjusts the stock of the sales in a corner. */
export class StockInACorner {
  constructor(readonly corner: Corner) {}

  /** As of a process of its own. */
  adjustments(logger = silent): StockAdjustments {
    const { pool, stock, lane, stream, loader } = this.corner;
    return new StockAdjustments(pool, stock, new OrderStreams([[lane, stream]]), loader, logger);
  }

  adjust(saleId: string, delta: number, idempotencyKey = `key-${uuidv7()}`): Promise<Adjusted> {
    return this.adjustments().adjust({ saleId, delta, reason: 'found a box', idempotencyKey, operator: 'ann' });
  }

  async rows(saleId: string): Promise<Row[]> {
    const { rows } = await this.corner.pool.query<Row>(
      'SELECT number, delta, state, version FROM stock_adjustments WHERE sale_id = $1 ORDER BY number',
      [saleId],
    );
    return rows;
  }

  /** A sale of {@link STOCK} units, of which buyers hold so many. */
  async aSaleWith(held: number): Promise<string> {
    const saleId = await this.corner.sale({ stock: STOCK });
    if (held > 0) await this.corner.reserve(saleId, held);
    await this.corner.worker().runOnce();
    return saleId;
  }

  async rebuild(): Promise<void> {
    const { pool, lane } = this.corner;
    await pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [lane]);
    if ((await this.corner.guard().runOnce()) !== 1) throw new Error('the lane was not rebuilt');
  }

  /** The process that adjusts next dies right before, or right after, its script. */
  dieAt(place: 'before' | 'after'): void {
    const { stock } = this.corner;
    const script = stock.adjust.bind(stock);
    jest.spyOn(stock, 'adjust').mockImplementationOnce(async (...call) => {
      if (place === 'after') await script(...call);
      throw new Error('killed');
    });
  }

  /** The process that adjusts next is paused with the answer of its script in hand, until that is over. */
  pauseUntil(meanwhile: (answer: Awaited<ReturnType<Corner['stock']['adjust']>>) => Promise<unknown>): void {
    const { stock } = this.corner;
    const script = stock.adjust.bind(stock);
    jest.spyOn(stock, 'adjust').mockImplementationOnce(async (...call) => {
      const answer = await script(...call);
      await meanwhile(answer);
      return answer;
    });
  }

  /** Nothing is wrong, and nothing under way. */
  async expectBooks(saleId: string, { total, held = 0 }: { total: number; held?: number }): Promise<void> {
    expect(await this.corner.audit(saleId)).toMatchObject({
      consistent: true,
      quiescent: true,
      differences: [],
      redis: { total, available: total - held, held },
      postgres: { total },
      deadLettersOpen: 0,
    });
  }
}
