import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpGateway } from '../../src/payment/http-gateway.js';
import { type Charge, GatewayRefusal, type PaymentRequest } from '../../src/payment/payment-gateway.js';
import { type Simulator, startSimulator } from '../../src/simulator/start-simulator.js';
import { silent } from '../support/lane-parts.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';

/** A new one each time: undici warns of a signal that ends many calls. */
const never = () => new AbortController().signal;
const orderIdOf = (n: number) => `01931f5a-7c00-7000-8000-${String(n).padStart(12, '0')}`;
const requestOf = (n: number, overrides: Partial<PaymentRequest> = {}): PaymentRequest => ({
  orderId: orderIdOf(n),
  saleId: orderIdOf(0),
  amountMinor: 1999,
  currency: 'USD',
  description: 'Mug',
  payBefore: new Date(Date.now() + 60_000),
  ...overrides,
});
const allOf = async (charges: AsyncIterable<Charge[]>): Promise<Charge[]> => {
  const all: Charge[] = [];
  for await (const page of charges) all.push(...page);
  return all;
};
const failureOf = (asking: Promise<unknown>): Promise<Error> =>
  asking.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as Error,
  );

describe('the gateway over HTTP, against the simulator', () => {
  let directory: string;
  let simulator: Simulator;
  let gateway: HttpGateway;
  beforeAll(async () => {
    directory = privateDirectory();
    simulator = await startSimulator({
      host: '127.0.0.1',
      port: 0,
      webhookUrl: 'http://127.0.0.1:9/',
      webhookSecret: 'nobody listens to what is signed with it',
      directory,
      behaviour: {},
      logger: silent,
    });
    gateway = new HttpGateway({ url: `${simulator.url}/`, returnUrl: 'http://127.0.0.1:3000/' });
  });
  afterAll(async () => {
    await gateway.close();
    await simulator.close();
    await removeDirectory(directory);
  });

  const pay = async (n: number) => {
    const { paymentId, paymentUrl } = await gateway.askForPayment(requestOf(n), never());
    await fetch(`${paymentUrl ?? ''}/approve`, { method: 'POST' });
    return paymentId;
  };

  it('asks for one payment of an order, however often it asks', async () => {
    const asked = await gateway.askForPayment(requestOf(1), never());
    expect(asked.paymentUrl).toBe(`${simulator.url}/pay/${asked.paymentId}`);
    expect(await gateway.askForPayment(requestOf(1), never())).toEqual(asked);
  });

  it('is refused another amount for the same order', async () => {
    await gateway.askForPayment(requestOf(2), never());
    const refusal = await failureOf(gateway.askForPayment(requestOf(2, { amountMinor: 1 }), never()));
    expect(refusal).toBeInstanceOf(GatewayRefusal);
    expect(refusal.message).toContain('another amount');
  });

  it('gives money back once, and is refused a refund of what was not paid', async () => {
    const { paymentId: unpaid } = await gateway.askForPayment(requestOf(3), never());
    const refundOf = (paymentId: string) =>
      gateway.refund({ paymentId, orderId: orderIdOf(3), amountMinor: 1999, currency: 'USD' }, never());
    expect(await failureOf(refundOf(unpaid))).toBeInstanceOf(GatewayRefusal);
    expect(await failureOf(refundOf('pay/../unknown'))).toBeInstanceOf(GatewayRefusal);

    const refund = await refundOf(await pay(3));
    expect(refund.isDone).toBe(true);
    expect(await refundOf(unpaid)).toEqual(refund);
  });

  it('says that a refund is not done while the gateway is at it', async () => {
    simulator.setBehaviour({ refundDelayMs: [60_000, 60_000] });
    const paymentId = await pay(4);
    const request = { paymentId, orderId: orderIdOf(4), amountMinor: 1999, currency: 'USD' };
    expect(await gateway.refund(request, never())).toMatchObject({ isDone: false });
    simulator.setBehaviour({});
  });

  it('finds all charges since a time, over several pages', async () => {
    const since = new Date();
    const orders = Array.from({ length: 1_100 }, (_, n) => n + 100);
    for (let n = 0; n < orders.length; n += 100) await Promise.all(orders.slice(n, n + 100).map(pay));
    const found = (await allOf(gateway.chargesSince(since, never()))).filter(
      ({ orderId }) => orderId >= orderIdOf(100),
    );
    expect(found.map(({ orderId }) => orderId).sort()).toEqual(orders.map(orderIdOf));
    expect(found[0]).toMatchObject({ amountMinor: 1999, currency: 'USD' });
    expect(await allOf(gateway.chargesSince(new Date(Date.now() + 60_000), never()))).toEqual([]);
  });

  it('ends a call that hangs when its signal says so', async () => {
    simulator.setBehaviour({ hangs: { probability: 1 } });
    expect((await failureOf(gateway.askForPayment(requestOf(5), AbortSignal.timeout(100)))).name).toBe('TimeoutError');
    simulator.setBehaviour({});
  });
});

describe('the gateway over HTTP, against one that answers anything', () => {
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let asked: IncomingMessage[];
  let gateway: HttpGateway;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request);
      request.resume().on('end', () => answer(request, response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    gateway = new HttpGateway({ url: `http://127.0.0.1:${port}/base/`, returnUrl: 'http://127.0.0.1:3000/' });
  });
  beforeEach(() => (asked = []));
  afterAll(async () => {
    await gateway.close();
    server.closeAllConnections();
    server.close();
  });
  const answers = (status: number, text: string) => (answer = (_, response) => response.writeHead(status).end(text));
  const ask = () => gateway.askForPayment(requestOf(1), never());

  it('calls below the path of its address, with the order as the key', async () => {
    answers(201, '{"paymentId":"p","paymentUrl":null,"more":1}');
    expect(await ask()).toEqual({ paymentId: 'p', paymentUrl: null });
    expect(asked[0]).toMatchObject({ url: '/base/payments', headers: { 'idempotency-key': orderIdOf(1) } });
  });

  it.each([400, 401, 404, 409, 422])('takes %i for a refusal, asked once', async (status) => {
    answers(status, '{"error":"no"}');
    expect(await failureOf(ask())).toBeInstanceOf(GatewayRefusal);
    expect(asked).toHaveLength(1);
  });

  it.each([302, 408, 429, 500, 503])('takes %i for something that passes, asked once', async (status) => {
    answers(status, '<html>');
    const error = await failureOf(ask());
    expect(error).not.toBeInstanceOf(GatewayRefusal);
    expect(error.message).toContain(String(status));
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['null', 'null'],
    ['no payment id', '{"paymentUrl":null}'],
    ['a payment id with a newline', '{"paymentId":"p\\n","paymentUrl":null}'],
    ['a link that is a script', '{"paymentId":"p","paymentUrl":"javascript:alert(1)"}'],
    ['more than any answer has', `{"paymentId":"p","paymentUrl":null,"x":"${'x'.repeat(2_000_000)}"}`],
  ])('takes an answer with %s for something that passes', async (_, text) => {
    answers(200, text);
    expect(await failureOf(ask())).not.toBeInstanceOf(GatewayRefusal);
  });

  it('takes a broken connection for something that passes', async () => {
    answer = (request) => request.socket.destroy();
    expect(await failureOf(ask())).not.toBeInstanceOf(GatewayRefusal);
    expect(asked).toHaveLength(1);
  });

  it('does not walk in circles', async () => {
    answers(200, '{"charges":[],"next":"1"}');
    const error = await failureOf(allOf(gateway.chargesSince(new Date(0), never())));
    expect(error.message).toContain('follows itself');
    expect(asked).toHaveLength(2);
  });
});
