import { v7 as uuidv7 } from 'uuid';
import { type Charge, GatewayRefusal } from '../../src/payment/payment-gateway.js';
import { fromStripeAmount, toStripeAmount } from '../../src/payment/stripe-amounts.js';
import { StripeGateway } from '../../src/payment/stripe-gateway.js';
import { eventually } from '../support/eventually.js';
import { StripeLikeServer } from '../support/stripe-like-server.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

describe('Stripe, asked more than once', () => {
  let stripe: StripeLikeServer;
  let gateway: StripeGateway;

  beforeEach(async () => {
    stripe = new StripeLikeServer();
    const server = await stripe.start();
    gateway = new StripeGateway({ secretKey: 'sk_test_of_these_tests', returnUrl: 'https://shop.example/', server });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    stripe.stop();
  });

  const aRequest = (windowMs: number) => ({
    orderId: uuidv7(),
    saleId: uuidv7(),
    amountMinor: 1999,
    currency: 'USD',
    description: 'Mug',
    payBefore: new Date(Date.now() + windowMs),
  });
  const at = (epochMs: number) => jest.spyOn(Date, 'now').mockReturnValue(epochMs);

  it.each([
    ['a quarter of an hour', 15 * MINUTE_MS],
    ['a week', 7 * DAY_MS],
  ])('answers an order of %s with the same session when it is asked again two minutes later', async (_, windowMs) => {
    const request = aRequest(windowMs);
    const first = await gateway.askForPayment(request);
    at(Date.now() + 2 * MINUTE_MS);
    expect(await gateway.askForPayment(request)).toEqual(first);
  });

  it.each([
    ['a second', 1_000],
    ['three minutes', 3 * MINUTE_MS],
    ['an hour', 60 * MINUTE_MS],
  ])('lets the session of an order of %s live for half an hour longer, as Stripe wants it', async (_, windowMs) => {
    const now = Date.UTC(2026, 0, 2);
    at(now);
    await gateway.askForPayment(aRequest(windowMs));
    expect(Number(stripe.seen[0]?.form.get('expires_at')) * 1_000).toBe(now + windowMs + 30 * MINUTE_MS);
  });

  it('leaves the expiry to Stripe when the order lives for longer than a session may', async () => {
    await gateway.askForPayment(aRequest(DAY_MS));
    expect(stripe.seen[0]?.form.has('expires_at')).toBe(false);
  });

  describe('for a refund', () => {
    const refund = { paymentId: 'cs_test_1', orderId: uuidv7(), amountMinor: 1999, currency: 'USD' };
    const sessionWith = (...refunds: object[]) => ({
      id: 'cs_test_1',
      payment_intent: { id: 'pi_1', latest_charge: { id: 'ch_1', refunds: { object: 'list', data: refunds } } },
    });
    const ours = { metadata: { paymentId: 'cs_test_1' } };

    beforeEach(() => {
      stripe.refund = { id: 're_1', status: 'pending' }; // repeated for a day, whatever has become of it
    });

    it('says that it is done once it is, though no webhook has said so', async () => {
      stripe.answers.set('/v1/checkout/sessions/cs_test_1', sessionWith());
      expect(await gateway.refund(refund)).toEqual({ refundId: 're_1', isDone: false });
      stripe.answers.set('/v1/checkout/sessions/cs_test_1', sessionWith({ id: 're_1', status: 'succeeded', ...ours }));
      expect(await gateway.refund(refund)).toEqual({ refundId: 're_1', isDone: true });
      expect(stripe.seen[0]?.form.get('expand[0]')).toBe('payment_intent.latest_charge.refunds');
    });

    it.each([
      ['has failed', { id: 're_0', status: 'failed', ...ours }],
      ['was canceled', { id: 're_0', status: 'canceled', ...ours }],
      ['somebody else has made of a part', { id: 're_0', status: 'succeeded', metadata: {} }],
    ])('takes one that %s for none', async (_, made) => {
      stripe.answers.set('/v1/checkout/sessions/cs_test_1', sessionWith(made));
      expect(await gateway.refund(refund)).toEqual({ refundId: 're_1', isDone: false });
    });
  });

  it.each([
    ['canceled', true],
    ['pending', false],
  ])('refuses what Stripe says at once is %s: %s', async (status, isRefused) => {
    stripe.refund = { id: 're_1', status };
    stripe.answers.set('/v1/checkout/sessions/cs_test_1', { id: 'cs_test_1', payment_intent: 'pi_1' });
    const refund = { paymentId: 'cs_test_1', orderId: uuidv7(), amountMinor: 1999, currency: 'USD' };
    const answer = await gateway.refund(refund).catch((error: unknown) => error);
    expect(answer instanceof GatewayRefusal).toBe(isRefused);
  });

  it('gives nothing back of what cost nothing, and asks nobody', async () => {
    const refund = { paymentId: 'cs_test_1', orderId: uuidv7(), amountMinor: 0, currency: 'USD' };
    expect(await gateway.refund(refund)).toEqual({ refundId: 'cs_test_1', isDone: true });
    expect(stripe.seen).toEqual([]);
  });

  it('refuses an amount that Stripe cannot take, and asks nobody', async () => {
    const odd = { ...aRequest(MINUTE_MS), amountMinor: 5_124, currency: 'KWD' };
    await expect(gateway.askForPayment(odd)).rejects.toThrow(GatewayRefusal);
    expect(stripe.seen).toEqual([]);
  });

  it('lists no session of somebody else who uses the same account', async () => {
    const ours = { id: 'cs_1', client_reference_id: uuidv7(), amount_total: 1999, currency: 'usd', created: 1 };
    const sessions = [ours, { ...ours, client_reference_id: 'order 7' }, { ...ours, client_reference_id: null }];
    stripe.answers.set('/v1/checkout/sessions', {
      data: sessions.map((session) => ({ ...session, payment_status: 'paid' })),
      has_more: false,
    });
    const pages: Charge[][] = [];
    for await (const page of gateway.chargesSince(new Date(0))) pages.push(page);
    expect(pages.flat().map(({ orderId }) => orderId)).toEqual([ours.client_reference_id]);
  });

  it('closes a connection on which nothing comes', async () => {
    const other = new StripeLikeServer();
    other.hangs = true;
    const server = await other.start();
    const impatient = new StripeGateway({
      secretKey: 'sk',
      returnUrl: 'https://shop.example/',
      timeoutMs: 100,
      server,
    });
    try {
      await expect(impatient.askForPayment(aRequest(MINUTE_MS))).rejects.toThrow('timeout');
      await eventually(async () => expect(await other.connections()).toBe(0), { withinMs: 5_000 });
    } finally {
      other.stop();
    }
  });

  it.each([
    [50_000, 'MGA', 500],
    [50_001, 'MGA', undefined],
    [Number.MAX_SAFE_INTEGER, 'ISK', undefined],
  ])('counts %s of %s as %s', (amountMinor, currency, amount) => {
    expect(toStripeAmount(amountMinor, currency)).toBe(amount);
    if (amount !== undefined) expect(fromStripeAmount(amount, currency)).toBe(amountMinor);
  });
});
