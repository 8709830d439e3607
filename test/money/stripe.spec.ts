import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { v7 as uuidv7 } from 'uuid';
import { GatewayRefusal } from '../../src/payment/payment-gateway.js';
import { fromStripeAmount, toStripeAmount } from '../../src/payment/stripe-amounts.js';
import { StripeGateway } from '../../src/payment/stripe-gateway.js';
import { StripeWebhooks } from '../../src/payment/stripe-webhooks.js';

const KEY = 'sk_test_of_these_tests';

interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  form: Record<string, string>;
}

/** Shapes are those of https://docs.stripe.com/api (checkout/sessions, refunds, errors), as far as they are read. */
const aSession = (overrides: object = {}) => ({
  id: 'cs_test_1',
  object: 'checkout.session',
  url: 'https://checkout.stripe.com/c/pay/cs_test_1',
  client_reference_id: '0199f3a0-0000-7000-8000-000000000001',
  amount_total: 1999,
  currency: 'usd',
  payment_status: 'unpaid',
  payment_intent: null,
  created: 1_760_000_000,
  ...overrides,
});

describe('Stripe', () => {
  describe('as a gateway', () => {
    let server: Server;
    let seen: Seen[];
    let answers: Record<string, [status: number, body: object]>;
    let gateway: StripeGateway;
    const request = {
      orderId: '0199f3a0-0000-7000-8000-000000000001',
      saleId: uuidv7(),
      amountMinor: 1999,
      currency: 'USD',
      description: '2 × Mug',
      payBefore: new Date(Date.now() + 180_000),
    };
    const refund = { paymentId: 'cs_test_1', orderId: request.orderId, amountMinor: 1999, currency: 'USD' };

    beforeEach(async () => {
      [seen, answers] = [[], {}];
      server = createServer((incoming, response) => {
        let body = '';
        incoming.on('data', (chunk) => (body += String(chunk)));
        incoming.on('end', () => {
          const { method = '', url = '', headers } = incoming;
          const path = url.split('?')[0] ?? '';
          const form = Object.fromEntries(new URLSearchParams(method === 'GET' ? url.split('?')[1] : body));
          seen.push({ method, path, headers, form });
          const [status, answer] = answers[`${method} ${path}`] ?? [404, { error: { message: 'no such thing' } }];
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const at = { host: '127.0.0.1', port, protocol: 'http' } as const;
      gateway = new StripeGateway({ secretKey: KEY, returnUrl: 'https://shop.example/', server: at });
    });
    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });

    it('makes a checkout session for the order, under the order as idempotency key', async () => {
      answers['POST /v1/checkout/sessions'] = [200, aSession()];
      expect(await gateway.askForPayment(request)).toEqual({
        paymentId: 'cs_test_1',
        paymentUrl: 'https://checkout.stripe.com/c/pay/cs_test_1',
      });
      const [{ headers, form }] = seen as [Seen];
      expect(headers).toMatchObject({
        authorization: `Bearer ${KEY}`,
        'idempotency-key': `order-${request.orderId}`,
        'content-type': 'application/x-www-form-urlencoded',
        'stripe-version': expect.any(String),
      });
      expect(form).toMatchObject({
        mode: 'payment',
        client_reference_id: request.orderId,
        'metadata[orderId]': request.orderId,
        'payment_intent_data[metadata][orderId]': request.orderId,
        'line_items[0][quantity]': '1',
        'line_items[0][price_data][currency]': 'usd',
        'line_items[0][price_data][unit_amount]': '1999',
        'line_items[0][price_data][product_data][name]': '2 × Mug',
        success_url: 'https://shop.example/',
      });
      // Stripe takes no less than half an hour from now, though the order expires earlier.
      const inSeconds = Number(form.expires_at) - Date.now() / 1_000;
      expect(inSeconds).toBeGreaterThan(30 * 60);
      expect(inSeconds).toBeLessThan(34 * 60);
    });

    it.each([
      ['what it does not take', 400, { type: 'invalid_request_error', message: 'Amount too small' }, true],
      ['a key that is in use', 409, { type: 'idempotency_error', message: 'Another request is using the key' }, false],
      ['too many requests', 429, { type: 'invalid_request_error', code: 'rate_limit', message: 'Too many' }, false],
      ['a key that is wrong', 401, { type: 'invalid_request_error', message: 'Invalid API Key' }, false],
      ['an error of its own', 500, { type: 'api_error', message: 'Sorry' }, false],
    ])('says of %s whether it is final, and asks once', async (_, status, error, isFinal) => {
      answers['POST /v1/checkout/sessions'] = [status, { error }];
      const failure = await gateway.askForPayment(request).catch((thrown: unknown) => thrown);
      expect(failure).toBeInstanceOf(Error);
      expect(failure instanceof GatewayRefusal).toBe(isFinal);
      expect(String((failure as Error).stack)).not.toContain(KEY);
      expect(seen).toHaveLength(1);
    });

    it.each([
      ['succeeded', true],
      ['pending', false],
    ])('gives the payment of a session back, once; %s is done: %s', async (status, isDone) => {
      answers['GET /v1/checkout/sessions/cs_test_1'] = [200, aSession({ payment_intent: 'pi_1' })];
      answers['POST /v1/refunds'] = [200, { id: 're_1', object: 'refund', status }];
      expect(await gateway.refund(refund)).toEqual({ refundId: 're_1', isDone });
      expect(seen[1]).toMatchObject({
        headers: { 'idempotency-key': 'refund-cs_test_1' },
        form: { payment_intent: 'pi_1', 'metadata[paymentId]': 'cs_test_1', 'metadata[orderId]': request.orderId },
      });
    });

    it('takes money that is back already for back', async () => {
      answers['GET /v1/checkout/sessions/cs_test_1'] = [200, aSession({ payment_intent: 'pi_1' })];
      answers['POST /v1/refunds'] = [
        400,
        { error: { type: 'invalid_request_error', code: 'charge_already_refunded', message: 'already refunded' } },
      ];
      expect(await gateway.refund(refund)).toMatchObject({ isDone: true });
    });

    it.each([
      ['a refund that has failed', { payment_intent: 'pi_1' }, 'failed'],
      ['a session that has charged nothing', { payment_intent: null }, 'succeeded'],
    ])('refuses %s', async (_, session, status) => {
      answers['GET /v1/checkout/sessions/cs_test_1'] = [200, aSession(session)];
      answers['POST /v1/refunds'] = [200, { id: 're_1', object: 'refund', status }];
      await expect(gateway.refund(refund)).rejects.toThrow(GatewayRefusal);
    });

    it('lists what was charged, page by page, from a day before on: sessions are listed by when they were made', async () => {
      const paid = aSession({ payment_status: 'paid' });
      answers['GET /v1/checkout/sessions'] = [200, { object: 'list', data: [paid, aSession()], has_more: false }];
      const since = new Date('2026-01-02T00:00:00Z');
      const pages = [];
      for await (const page of gateway.chargesSince(since)) pages.push(page);
      expect(pages).toEqual([
        [
          {
            paymentId: 'cs_test_1',
            orderId: request.orderId,
            amountMinor: 1999,
            currency: 'USD',
            capturedAt: new Date(1_760_000_000_000),
          },
        ],
      ]);
      expect(seen[0]?.form).toMatchObject({ status: 'complete', 'created[gte]': '1767225600', limit: '100' });
    });

    it('goes on behind the last session of a page that is not the last', async () => {
      answers['GET /v1/checkout/sessions'] = [
        200,
        { object: 'list', data: [aSession({ id: 'cs_9' })], has_more: true },
      ];
      const pages = gateway.chargesSince(new Date(0))[Symbol.asyncIterator]();
      await pages.next();
      await pages.next();
      expect(seen[1]?.form.starting_after).toBe('cs_9');
    });
  });

  describe('when it tells', () => {
    const SECRETS = ['whsec_of_these_tests_that_is_long_enough', 'whsec_the_older_one_that_is_long_enough'];
    const reader = new StripeWebhooks(SECRETS);
    const stripe = new Stripe(KEY);
    const sign = (payload: string, secret = SECRETS[0] as string, timestamp = Math.floor(Date.now() / 1_000)) =>
      stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
    const anEvent = (type: string, object: object) =>
      JSON.stringify({ id: 'evt_1', object: 'event', type, data: { object } });
    const read = (body: string, signature: string | undefined = sign(body)) =>
      reader.read(Buffer.from(body), signature === '' ? {} : { 'stripe-signature': signature });
    const paid = anEvent('checkout.session.completed', aSession({ payment_status: 'paid' }));

    it.each([
      ['checkout.session.completed', { payment_status: 'paid' }, 'payment.succeeded'],
      ['checkout.session.completed', { payment_status: 'unpaid' }, 'checkout.session.completed'],
      ['checkout.session.async_payment_succeeded', { payment_status: 'paid' }, 'payment.succeeded'],
      ['checkout.session.async_payment_failed', {}, 'payment.failed'],
      ['checkout.session.expired', {}, 'payment.failed'],
    ])('understands %s with %j as %s', (type, session, expected) => {
      expect(read(anEvent(type, aSession(session)))).toEqual({
        event: {
          id: 'evt_1',
          type: expected,
          paymentId: 'cs_test_1',
          orderId: '0199f3a0-0000-7000-8000-000000000001',
          amountMinor: 1999,
          currency: 'USD',
        },
      });
    });

    it.each([
      ['refund.updated', 'succeeded', 'refund.succeeded'],
      ['refund.created', 'pending', 'refund.created'],
    ])('understands %s that has %s as %s', (type, status, expected) => {
      const metadata = { paymentId: 'cs_test_1', orderId: '0199f3a0-0000-7000-8000-000000000001' };
      expect(read(anEvent(type, { id: 're_1', status, metadata }))).toMatchObject({
        event: { type: expected, ...metadata },
      });
    });

    it('keeps the name of what it does not understand, and an order id that is none is none', () => {
      expect(read(anEvent('charge.dispute.created', {}))).toMatchObject({
        event: { type: 'charge.dispute.created', orderId: null },
      });
      const odd = aSession({ client_reference_id: 'order 7' });
      expect(read(anEvent('checkout.session.expired', odd))).toMatchObject({ event: { orderId: null } });
    });

    it('takes a signature of the older secret', () => {
      expect(read(paid, sign(paid, SECRETS[1]))).toHaveProperty('event');
    });

    it.each([
      ['no signature', '', 'invalid-signature'],
      ['one of somebody else', sign(paid, 'whsec_of_somebody_else'), 'invalid-signature'],
      ['one of another body', sign(`${paid} `), 'invalid-signature'],
      ['one that is too old', sign(paid, SECRETS[0], Math.floor(Date.now() / 1_000) - 310), 'stale-signature'],
    ])('refuses %s', (_, signature, refusedBecause) => {
      expect(read(paid, signature)).toEqual({ refusedBecause });
    });

    it.each(['not JSON', '{}', '{"id":"evt_1"}'])('takes the signed body %s for no event', (body) => {
      expect(read(body)).toEqual({ refusedBecause: 'no-event' });
    });
  });

  it.each([
    [1999, 'USD', 1999],
    [500, 'JPY', 500],
    [500, 'ISK', 50_000],
    [500, 'UGX', 50_000],
    [5_120, 'KWD', 5_120],
    [5_124, 'KWD', undefined],
  ])('counts %s of %s as %s', (amountMinor, currency, amount) => {
    expect(toStripeAmount(amountMinor, currency)).toBe(amount);
    if (amount !== undefined) expect(fromStripeAmount(amount, currency)).toBe(amountMinor);
  });
});
