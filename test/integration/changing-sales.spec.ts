import { changeSale } from '../../src/sales/change-sale.js';
import type { SaleChange } from '../../src/sales/new-sale.js';
import { inTransaction } from '../../src/platform/postgres/transaction.js';
import { eventually } from '../support/eventually.js';
import { aRequest, Corner } from '../support/corner.js';

describe('changing a sale', () => {
  let corner: Corner;
  beforeEach(async () => (corner = await Corner.open()));
  afterEach(() => corner.close());

  const change = (saleId: string, terms: SaleChange) =>
    inTransaction(corner.pool, (tx) =>
      changeSale(tx, { saleId, change: terms, mayChange: () => true, operator: 'operator' }),
    );

  /** Somebody waits for the row of a sale in its lane. */
  async function isAnnouncing(): Promise<boolean> {
    const { rowCount } = await corner.pool.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%UPDATE sale_lanes SET loaded_epoch%'",
    );
    return rowCount === 1;
  }

  async function amountOf(saleId: string): Promise<unknown> {
    const { rows } = await corner.pool.query('SELECT amount_minor AS amount FROM orders WHERE sale_id = $1', [saleId]);
    return (rows[0] as { amount: number } | undefined)?.amount;
  }

  it('lets a price change that Redis was not told of, and orders cost that', async () => {
    const saleId = await corner.unloadedSale();
    expect(await change(saleId, { priceMinor: 250 })).toBe('changed');
    await corner.loader.push(saleId);
    await corner.stock.reserve(corner.lane, saleId, { requests: [aRequest()] });
    await corner.worker('a').runOnce();
    expect(await amountOf(saleId)).toBe(250);
    expect(await change(saleId, { priceMinor: 300 })).toBe('loaded');
  });

  it('keeps a sale from being announced while its price is being changed', async () => {
    const saleId = await corner.unloadedSale();
    const pushing = await inTransaction(corner.pool, async (tx) => {
      await changeSale(tx, { saleId, change: { priceMinor: 250 }, mayChange: () => true, operator: 'operator' });
      const announced = corner.loader.push(saleId);
      await eventually(isAnnouncing, { withinMs: 5_000 });
      return [announced];
    });
    expect(await pushing[0]).toBe(true);
    expect(await change(saleId, { priceMinor: 300 })).toBe('loaded');
  });

  it('notes who has changed what', async () => {
    const saleId = await corner.sale();
    await change(saleId, { name: 'Second edition' });
    const { rows } = await corner.pool.query('SELECT actor, action, detail FROM admin_actions WHERE subject = $1', [
      saleId,
    ]);
    expect(rows).toEqual([{ actor: 'operator', action: 'sale.change', detail: { name: 'Second edition' } }]);
  });
});
