import { aCharge, MoneyCorner } from '../support/money-corner.js';

describe('expiring unpaid orders', () => {
  let money: MoneyCorner;
  beforeAll(async () => {
    money = await MoneyCorner.open();
  });
  afterAll(() => money.close());

  const statuses = async (saleId: string) => (await money.shown(saleId)).map(({ status }) => status);

  it('expires an order the moment its payment window is over, and not before', async () => {
    const { saleId } = await money.order();
    expect(await money.expire()).toBe(0);
    await money.letTimeRunOut(saleId);
    expect(await money.expire()).toBe(1);
    expect(await statuses(saleId)).toEqual(['expired']);
    expect(await money.expire()).toBe(0);
  });

  it('frees its unit in Postgres first, in Redis once compensation has run, and then sells it to the next buyer', async () => {
    const { saleId } = await money.order();
    await money.letTimeRunOut(saleId);
    await money.expire();
    expect(await money.corner.reserve(saleId, 1)).toMatchObject([{ outcome: 'SOLD_OUT' }]);

    await money.corner.giveBack.runOnce();
    expect(await money.corner.reserve(saleId, 1)).toMatchObject([{ outcome: 'ACCEPTED' }]);
    await money.corner.worker().runOnce();
    expect(await statuses(saleId)).toEqual(['expired', 'pending_payment']);
    expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true, quiescent: true });
  });

  it('leaves alone what was paid or cancelled before', async () => {
    const { saleId, orderIds } = await money.orders(3);
    await money.corner.move(saleId, orderIds[0] ?? '', 'cancelled');
    await money.corner.move(saleId, orderIds[1] ?? '', 'paid');
    await money.letTimeRunOut(saleId);
    expect(await money.expire()).toBe(1);
    expect(await statuses(saleId)).toEqual(['cancelled', 'paid', 'expired']);
  });

  it('changes nothing when a newer holder of the duty was here, and stops', async () => {
    const { saleId } = await money.order();
    await money.letTimeRunOut(saleId);
    const overtaken = money.corner.underLease('expiry', async (held) => {
      await money.corner.pool.query(`UPDATE leases SET token = token + 1 WHERE name = 'expiry'`);
      return money.expiry.runOnce(held);
    });
    await expect(overtaken).rejects.toThrow('lost');
    expect(await statuses(saleId)).toEqual(['pending_payment']);
    await money.corner.pool.query('DELETE FROM leases');
  });

  it('gives 10,000 orders one fate each when their money comes at the instant at which they expire', async () => {
    const { saleId, orderIds } = await money.orders(10_000);
    await Promise.all(orderIds.flatMap((orderId) => [aCharge(orderId), aCharge(orderId)]).map((e) => money.keep(e)));

    // Each in an order of its own, so that they meet everywhere.
    await money.corner.pool.query(
      `UPDATE orders SET expires_at = now() - random() * interval '1 min' WHERE sale_id = $1`,
      [saleId],
    );
    await money.corner.pool.query(`UPDATE webhook_events SET look_at = now() - random() * interval '1 min'`);

    const settleAll = async () => {
      const settler = money.settler();
      while ((await settler.runOnce()) > 0);
    };
    const expireAll = async () => {
      while ((await money.expire()) > 0);
    };
    await Promise.all([settleAll(), settleAll(), settleAll(), expireAll()]);
    await settleAll(); // who met an event in the hands of the other has passed over it

    const { rows } = await money.corner.pool.query<{
      status: string;
      charges: number;
      refunds: number;
      orders: number;
    }>(
      `SELECT o.status, count(*) AS orders, sum((SELECT count(*) FROM payments p WHERE p.order_id = o.order_id))::int AS charges,
              sum((SELECT count(*) FROM refunds r WHERE r.order_id = o.order_id))::int AS refunds
       FROM orders o WHERE sale_id = $1 GROUP BY o.status ORDER BY o.status`,
      [saleId],
    );
    const [paid, expired] = rows;
    expect(rows.map(({ status }) => status)).toEqual(['paid', 'expired']);
    expect((paid?.orders ?? 0) + (expired?.orders ?? 0)).toBe(10_000);
    expect(paid?.refunds).toBe(0);
    expect(expired?.refunds).toEqual(expired?.orders); // every captured charge of an order that is not paid
    expect([paid?.charges, expired?.charges]).toEqual([paid?.orders, expired?.orders]);
    while ((await money.corner.giveBack.runOnce()) > 0);
    expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true, quiescent: true });
  }, 120_000);
});
