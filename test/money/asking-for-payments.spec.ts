import type { EventJob } from '../../src/outbox/event-job.js';
import { GatewayInACorner } from '../support/gateway-in-a-corner.js';
import { aCharge, MoneyCorner, PRICE_MINOR } from '../support/money-corner.js';

describe('the money at the gateway', () => {
  let money: MoneyCorner;
  let gateway: GatewayInACorner;
  beforeAll(async () => {
    money = await MoneyCorner.open();
    gateway = await GatewayInACorner.open(money);
  });
  afterAll(async () => {
    await gateway.close();
    await money.close();
  });
  beforeEach(async () => {
    gateway.behave({});
    await money.corner.pool.query('TRUNCATE webhook_events, outbox_events, payments, refunds, gateway_walks');
    await walkedUntil('10 min'); // which it overlaps: charges of earlier tests are not looked at
  });

  const walkedUntil = (ahead: string) =>
    money.corner.pool.query(
      `INSERT INTO gateway_walks (gateway, walked_until) VALUES ('http', now() + $1::interval)
       ON CONFLICT (gateway) DO UPDATE SET walked_until = excluded.walked_until`,
      [ahead],
    );
  const settleAll = async () => {
    const settler = money.settler();
    while ((await settler.runOnce()) > 0);
  };
  /** An order whose payment was asked for, and recorded. */
  const anAskedOrder = async () => {
    const order = await money.order();
    const [job] = (await gateway.jobsOf('payment')) as [EventJob];
    await gateway.payments.run(job);
    const [payment] = await gateway.paymentsOf(order.orderId);
    return { ...order, job, paymentId: payment?.paymentId ?? '', url: payment?.url ?? '' };
  };

  describe('asking for payments', () => {
    it('has the gateway make a payment with a page for the buyer, and strikes the event off with it', async () => {
      const { orderId, paymentId, url } = await anAskedOrder();
      expect(url).toBe(`${gateway.url}/pay/${paymentId}`);
      expect(await (await fetch(url)).text()).toContain('19.99');
      expect(await gateway.jobsOf('payment')).toEqual([]);
      expect(await gateway.paymentsOf(orderId)).toHaveLength(1);
    });

    it('makes one payment when the job comes many times at once, and when it comes again afterwards', async () => {
      const { orderId } = await money.order();
      const [job] = (await gateway.jobsOf('payment')) as [EventJob];
      await Promise.all(Array.from({ length: 5 }, () => gateway.payments.run(job)));
      await gateway.payments.run(job);
      expect(await gateway.paymentsOf(orderId)).toHaveLength(1);
    });

    it('gets the same payment when it died before it could record it', async () => {
      const { orderId, saleId } = await money.order();
      const request = { orderId, saleId, amountMinor: PRICE_MINOR, currency: 'USD', description: 'Mug' };
      const lost = await gateway.gateway.askForPayment({ ...request, payBefore: new Date() });
      const [job] = (await gateway.jobsOf('payment')) as [EventJob];
      await gateway.payments.run(job);
      expect(await gateway.paymentsOf(orderId)).toMatchObject([{ paymentId: lost.paymentId }]);
    });

    it.each(['expired', 'cancelled'] as const)(
      'asks for nothing when the order is %s, and strikes the event off',
      async (to) => {
        const { saleId, orderId } = await money.order();
        await money.corner.move(saleId, orderId, to);
        const [job] = (await gateway.jobsOf('payment')) as [EventJob];
        await gateway.payments.run(job);
        expect(await gateway.paymentsOf(orderId)).toEqual([]);
        expect(await gateway.jobsOf('payment')).toEqual([]);
      },
    );

    it.each([
      ['fails', { fails: { probability: 1 } }],
      ['hangs', { hangs: { probability: 1 } }],
    ])('keeps the event while the gateway %s, and asks again later', async (_, behaviour) => {
      const { orderId } = await money.order();
      const [job] = (await gateway.jobsOf('payment')) as [EventJob];
      gateway.behave(behaviour);
      await expect(gateway.payments.run(job)).rejects.toThrow();
      expect(await gateway.jobsOf('payment')).toEqual([job]);
      gateway.behave({});
      await gateway.payments.run(job);
      expect(await gateway.paymentsOf(orderId)).toHaveLength(1);
    });

    it('keeps what a webhook has recorded before it', async () => {
      const { orderId, saleId } = await money.order();
      const request = { orderId, saleId, amountMinor: PRICE_MINOR, currency: 'USD', description: 'Mug' };
      const { paymentId } = await gateway.gateway.askForPayment({ ...request, payBefore: new Date() });
      const [job] = (await gateway.jobsOf('payment')) as [EventJob];
      await money.keep(aCharge(orderId, { paymentId }));
      await settleAll();
      await gateway.payments.run(job);
      expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
      expect(await gateway.paymentsOf(orderId)).toMatchObject([{ paymentId, url: null }]);
    });
  });

  describe('giving money back', () => {
    const aLateCharge = async () => {
      const order = await anAskedOrder();
      await money.corner.move(order.saleId, order.orderId, 'expired');
      await gateway.approve(order.paymentId);
      await money.keep(aCharge(order.orderId, { paymentId: order.paymentId }));
      await settleAll();
      const [job] = (await gateway.jobsOf('refunds')) as [EventJob];
      return { ...order, job };
    };
    const refundAtTheGateway = async (paymentId: string) =>
      ((await (await fetch(`${gateway.url}/payments/${paymentId}`)).json()) as { refund: object | null }).refund;

    it('gives it back through the gateway, once, however often the job comes', async () => {
      const { saleId, paymentId, job } = await aLateCharge();
      await Promise.all([gateway.refunds.run(job), gateway.refunds.run(job)]);
      await gateway.refunds.run(job);
      expect(await refundAtTheGateway(paymentId)).toMatchObject({ status: 'succeeded' });
      expect(await money.shown(saleId)).toEqual([{ status: 'expired', refund: 'done' }]);
      expect(await gateway.jobsOf('refunds')).toEqual([]);
    });

    it('goes on until the gateway says that it is back', async () => {
      const { saleId, job } = await aLateCharge();
      gateway.behave({ refundDelayMs: [60_000, 60_000] });
      await gateway.refunds.run(job);
      expect(await money.shown(saleId)).toEqual([{ status: 'expired', refund: 'due' }]);
      expect(await gateway.jobsOf('refunds')).toEqual([job]);
    });

    it('strikes the event off when a webhook was faster', async () => {
      const { saleId, orderId, paymentId, job } = await aLateCharge();
      await money.keep(aCharge(orderId, { type: 'refund.succeeded', paymentId }));
      await settleAll();
      await gateway.refunds.run(job);
      expect(await money.shown(saleId)).toEqual([{ status: 'expired', refund: 'done' }]);
      expect(await gateway.jobsOf('refunds')).toEqual([]);
    });

    it('is named by the audit when it takes too long', async () => {
      const { saleId, orderId } = await aLateCharge();
      await money.corner.giveBack.runOnce();
      expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true });
      await money.corner.pool.query(`UPDATE refunds SET due_at = now() - interval '2 hours'`);
      expect((await money.corner.audit(saleId)).differences).toMatchObject([{ kind: 'refund-overdue', orderId }]);
    });
  });

  describe('walking over the charges of the gateway', () => {
    it('settles a charge whose webhook was lost, once', async () => {
      const { saleId, orderId, paymentId } = await anAskedOrder();
      await gateway.approve(paymentId);

      expect(await gateway.walkOnce()).toBe(1);
      await settleAll();

      expect(await money.shown(saleId)).toEqual([{ status: 'paid', refund: null }]);
      await walkedUntil('10 min');
      expect(await gateway.walkOnce()).toBe(0);
      expect(await gateway.paymentsOf(orderId)).toMatchObject([{ isConfirmed: true }]);
      expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true });
    });

    it('names a paid order whose charge the gateway does not have', async () => {
      const { saleId, orderId, paymentId } = await anAskedOrder();
      await money.keep(aCharge(orderId, { paymentId }));
      await settleAll();
      await gateway.walkOnce();
      expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true }); // it may be on its way

      await money.corner.pool.query(`UPDATE payments SET captured_at = captured_at - interval '5 min'`);
      expect((await money.corner.audit(saleId)).differences).toMatchObject([{ kind: 'paid-without-charge', orderId }]);
    });

    it('confirms a charge that is older than the last walk, when we hear of it only now', async () => {
      const { saleId, orderId, paymentId } = await anAskedOrder();
      await gateway.approve(paymentId);
      await walkedUntil('1 hour');
      expect(await gateway.walkOnce()).toBe(0); // it looks at later ones
      await money.keep(aCharge(orderId, { paymentId }));
      await settleAll();
      await gateway.walkOnce();
      expect(await gateway.paymentsOf(orderId)).toMatchObject([{ isConfirmed: true }]);
      expect(await money.corner.audit(saleId)).toMatchObject({ consistent: true });
    });

    it('names a paid order of which no charge is known at all', async () => {
      const { saleId, orderId } = await money.order();
      await money.corner.move(saleId, orderId, 'paid');
      expect((await money.corner.audit(saleId)).differences).toMatchObject([{ kind: 'paid-without-charge', orderId }]);
    });

    it('stops between two pages when the process does, and begins there again', async () => {
      const { paymentId } = await anAskedOrder();
      await gateway.approve(paymentId);
      const stopping = money.corner.underLease('walk', (held) =>
        gateway.walk.runOnce(held, () => {
          throw new Error('the process stops');
        }),
      );
      await expect(stopping).rejects.toThrow('the process stops');
      expect(await money.outcomes()).toEqual([]);
      expect(await gateway.walkOnce()).toBe(1);
    });

    it('records nothing when a newer holder of the duty was here', async () => {
      const { paymentId } = await anAskedOrder();
      await gateway.approve(paymentId);
      const overtaken = money.corner.underLease('walk', async (held) => {
        await money.corner.pool.query(`UPDATE leases SET token = token + 1 WHERE name = 'walk'`);
        return gateway.walk.runOnce(held);
      });
      await expect(overtaken).rejects.toThrow('lost');
      expect(await money.outcomes()).toEqual([]);
      await money.corner.pool.query('DELETE FROM leases');
    });
  });
});
