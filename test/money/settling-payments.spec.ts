import { type Logger, pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { aCharge, MoneyCorner, PRICE_MINOR } from '../support/money-corner.js';

describe('settling payments', () => {
  let money: MoneyCorner;
  beforeAll(async () => {
    money = await MoneyCorner.open();
  });
  afterAll(() => money.close());
  beforeEach(() => money.corner.pool.query('TRUNCATE webhook_events, outbox_events, payments, refunds'));

  const settle = (logger?: Logger) => money.settler(logger).runOnce();

  it('pays an order whose money has come, even when our own call to the gateway had failed, and announces it', async () => {
    const { saleId, orderId } = await money.order();
    await money.keep(aCharge(orderId));

    expect(await settle()).toBe(1);

    expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
    expect(await money.events()).toEqual(['order.reserved', 'order.paid']);
    expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true, postgres: { paid: 1 } });
    expect(await settle()).toBe(0);
  });

  it('changes nothing when the same event comes again, in whatever order and through other workers', async () => {
    const { saleId, orderId } = await money.order();
    const event = aCharge(orderId);
    await Promise.all([money.keep(event), money.keep(event), money.keep(event)]);
    await Promise.all([settle(), settle(), settle()]);
    await money.keep(event);
    expect(await settle()).toBe(0);
    expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
    expect(await money.outcomes()).toEqual(['paid']);
  });

  it('takes the same charge under another event id for a repetition', async () => {
    const { saleId, orderId } = await money.order();
    for (let times = 0; times < 3; times += 1) await money.keep(aCharge(orderId));
    expect([await settle(), await settle(), await settle()]).toEqual([1, 1, 1]);
    expect((await money.outcomes()).sort()).toEqual(['paid', 'repeated', 'repeated']);
    expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
  });

  it('lets the first body of an id stand when it comes again with another, and says so', async () => {
    const lines: string[] = [];
    const { saleId, orderId } = await money.order();
    const event = aCharge(orderId, { type: 'payment.failed' });
    await money.keep(event);
    const error = jest.spyOn(money.inbox['logger'], 'error').mockImplementation((_: unknown, text?: string) => {
      lines.push(text ?? '');
    });
    await money.keep({ ...event, type: 'payment.succeeded' });
    error.mockRestore();
    await settle();
    expect(lines).toEqual(['a webhook came again with another body; the first one stands']);
    expect(await money.shown(saleId)).toEqual([{ status: 'pending_payment', refund: null }]);
  });

  it.each([
    ['another amount', { amountMinor: PRICE_MINOR + 1 }],
    ['another currency', { currency: 'EUR' }],
    ['no amount', { amountMinor: null }],
  ])(
    'does not pay an order with %s, names it in the audit, and pays it when the right charge comes',
    async (_, wrong) => {
      const { saleId, orderId } = await money.order();
      await money.keep(aCharge(orderId, wrong));
      await settle();
      expect(await money.shown(saleId)).toEqual([{ status: 'pending_payment', refund: null }]);
      expect((await money.corner.audit(saleId)).differences).toMatchObject([
        { kind: 'charge-without-paid-order', orderId },
      ]);

      await money.keep(aCharge(orderId));
      await settle();
      expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
      expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true });
    },
  );

  it.each(['expired', 'cancelled'] as const)(
    'asks for one refund when an order was %s before its money came',
    async (to) => {
      const { saleId, orderId } = await money.order();
      await money.corner.move(saleId, orderId, to);
      await money.corner.giveBack.runOnce();
      for (let times = 0; times < 3; times += 1) await money.keep(aCharge(orderId));
      while ((await settle()) > 0);
      expect(await money.shown(saleId)).toEqual([{ status: to, refund: 'due' }]);
      expect(await money.events()).toEqual(['order.reserved', 'refund.due']);
      expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true });
    },
  );

  it('refunds the second of two payments for one order', async () => {
    const { saleId, orderId } = await money.order();
    await money.keep(aCharge(orderId));
    await money.keep(aCharge(orderId, { paymentId: 'pay_another' }));
    while ((await settle()) > 0);
    const { rows } = await money.corner.pool.query('SELECT payment_id AS "paymentId" FROM refunds');
    expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: 'due' }]);
    expect(rows).toHaveLength(1);
    expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true });
  });

  it('ignores a failure that is told after the success, and leaves an order pending whose first card was declined', async () => {
    const { saleId, orderId } = await money.order();
    await money.keep(aCharge(orderId, { type: 'payment.failed' }));
    await settle();
    expect(await money.shown(saleId)).toEqual([{ status: 'pending_payment', refund: null }]);
    await money.keep(aCharge(orderId));
    await settle();
    await money.keep(aCharge(orderId, { type: 'payment.failed' }));
    await settle();
    expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
  });

  it('waits with money for an order that is not stored yet, and pays it once it is', async () => {
    const saleId = await money.corner.sale();
    const [reserved] = await money.corner.reserve(saleId, 1);
    const orderId = reserved && 'orderId' in reserved ? reserved.orderId : '';
    await money.keep(aCharge(orderId));
    expect(await settle()).toBe(0);

    await money.corner.worker().runOnce();
    await money.corner.pool.query('UPDATE webhook_events SET look_at = now()');
    expect(await settle()).toBe(1);
    expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
  });

  it('gives up after a day on money for an order that nobody knows, and says so', async () => {
    const lines: object[] = [];
    await money.keep(aCharge(uuidv7()));
    await money.corner.pool.query("UPDATE webhook_events SET received_at = now() - interval '25 hours'");
    await settle(pino({}, { write: (line: string) => lines.push(JSON.parse(line) as object) }));
    expect(await money.outcomes()).toEqual(['unknown-order']);
    expect(lines).toMatchObject([{ level: 50, outcome: 'unknown-order' }]);
  });

  it('records an event of a type that it does not know', async () => {
    await money.keep(aCharge(uuidv7(), { type: 'dispute.opened' }));
    await settle();
    expect(await money.outcomes()).toEqual(['unknown-type']);
  });

  it('finishes a refund when the gateway says that the money is back', async () => {
    const { saleId, orderId } = await money.order();
    await money.corner.move(saleId, orderId, 'expired');
    await money.keep(aCharge(orderId));
    await settle();
    await money.keep(aCharge(orderId, { type: 'refund.succeeded' }));
    await settle();
    expect(await money.shown(saleId)).toEqual([{ status: 'expired', refund: 'done' }]);
  });
});
