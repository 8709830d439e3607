import { appendFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { checkWebhook } from '../../src/platform/http/webhook-signature.js';
import type { BehaviourInput } from '../../src/simulator/behaviour.js';
import { readSimulatorSettings } from '../../src/simulator/simulator-settings.js';
import { type Simulator, startSimulator } from '../../src/simulator/start-simulator.js';
import { eventually } from '../support/eventually.js';
import { silent } from '../support/lane-parts.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';

const SECRET = 'a secret of the simulator that is long enough';
const SOON = { withinMs: 10_000 };
const ALWAYS = { probability: 1 };

interface Told {
  id: string;
  type: string;
  data: { orderId: string };
}

describe('the simulator', () => {
  let directory: string;
  let shop: Server;
  let told: Told[];
  let shopAnswers: number;
  let simulator: Simulator;

  const start = async (behaviour: BehaviourInput = {}) => {
    simulator = await startSimulator({
      host: '127.0.0.1',
      port: 0,
      webhookUrl: `http://127.0.0.1:${(shop.address() as AddressInfo).port}/hook`,
      webhookSecret: SECRET,
      directory,
      behaviour,
      logger: silent,
    });
  };
  beforeEach(async () => {
    directory = privateDirectory();
    told = [];
    shopAnswers = 200;
    shop = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const header = String(request.headers['stampede-signature']);
        response.writeHead(checkWebhook([SECRET], { header, body }) === 'good' ? shopAnswers : 401).end();
        if (shopAnswers === 200) told.push(JSON.parse(body.toString()) as Told);
      });
    });
    await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await simulator.close();
    shop.closeAllConnections();
    shop.close();
    await removeDirectory(directory);
  });

  const terms = (overrides: object = {}) => ({
    orderId: uuidv7(),
    saleId: uuidv7(),
    amountMinor: 1999,
    currency: 'USD',
    description: 'Mug',
    payBefore: new Date(Date.now() + 60_000).toISOString(),
    returnUrl: 'http://127.0.0.1:3000/',
    ...overrides,
  });
  const post = async (path: string, key?: string, body?: object) => {
    const answer = await fetch(simulator.url + path, {
      method: 'POST',
      headers: { ...(key && { 'idempotency-key': key }), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  const ask = (order = terms()) => post('/payments', order.orderId, order);
  const page = async (path: string, method = 'GET') => {
    const answer = await fetch(simulator.url + path, { method });
    return { status: answer.status, policy: answer.headers.get('content-security-policy'), html: await answer.text() };
  };
  const types = () => told.map(({ type }) => type);

  it('makes one payment for an order, whoever asks again, and refuses another amount for it', async () => {
    await start();
    const order = terms();
    const first = await ask(order);
    expect(first.status).toBe(201);
    expect(await ask(order)).toEqual({ ...first, status: 200 });
    expect((await ask({ ...order, amountMinor: 1 })).status).toBe(422);
    expect((await post('/payments', 'another', order)).status).toBe(400);
    expect((await post('/payments', order.orderId, { ...order, extra: 1 })).status).toBe(400);
  });

  it('has a page on which a card is declined, then approved, and charged once', async () => {
    await start();
    const { body } = await ask(terms({ description: '<b>Mug</b> & "co"' }));
    const path = `/pay/${body.paymentId ?? ''}`;
    const { html, policy } = await page(path);
    expect(html).toContain('$19.99');
    expect(html).toContain('&lt;b&gt;Mug&lt;/b&gt; &amp; &quot;co&quot;');
    expect(html).not.toMatch(/<script|<b>/);
    expect(policy).toContain("default-src 'none'");

    expect((await page(`${path}/decline`, 'POST')).html).toContain('Declined: try again');
    expect((await page(`${path}/approve`, 'POST')).html).toContain('Paid');
    expect((await page(`${path}/approve`, 'POST')).html).toContain('Paid');
    await eventually(() => told.length === 2, SOON);
    expect(types()).toEqual(['payment.failed', 'payment.succeeded']);
    expect((await page('/pay/pay_unknown')).status).toBe(404);
  });

  it('gives money back once, and only what it has taken', async () => {
    await start();
    const { body } = await ask();
    const paymentId = body.paymentId ?? '';
    const path = `/payments/${paymentId}/refunds`;
    expect((await post(path, paymentId)).status).toBe(409);
    await page(`/pay/${paymentId}/approve`, 'POST');
    const answers = [await post(path, paymentId), await post(path, paymentId)];
    expect(answers.map(({ status }) => status)).toEqual([201, 200]);
    await eventually(() => types().includes('refund.succeeded'), SOON);
    expect(types().filter((type) => type === 'refund.succeeded')).toHaveLength(1);
    expect((await post('/payments/pay_unknown/refunds', 'pay_unknown')).status).toBe(404);
  });

  it.each<[string, BehaviourInput, string[]]>([
    ['pays by itself', { pays: { ...ALWAYS, delayMs: [0, 10] } }, ['payment.succeeded']],
    [
      'declines, and pays at the second attempt',
      { declines: { ...ALWAYS, delayMs: [0, 10] }, pays: { ...ALWAYS, delayMs: [10, 20] } },
      ['payment.failed', 'payment.succeeded'],
    ],
    [
      'tells of a failure after the success',
      { pays: { ...ALWAYS, delayMs: [0, 0] }, shuffles: { ...ALWAYS, delayMs: [50, 60] } },
      ['payment.succeeded', 'payment.failed'],
    ],
  ])('%s when it is told to', async (_, behaviour, expected) => {
    await start(behaviour);
    await ask();
    await eventually(() => told.length === expected.length, SOON);
    expect(types()).toEqual(expected);
  });

  it('tells twice or three times when it is told to, each time the same', async () => {
    await start({ pays: { ...ALWAYS, delayMs: [0, 0] }, repeats: ALWAYS });
    await ask();
    await eventually(() => told.length >= 2, SOON);
    expect(new Set(told.map((event) => JSON.stringify(event))).size).toBe(1);
  });

  it('is late when it is told to', async () => {
    await start({ late: { ...ALWAYS, delayMs: [0, 10] } });
    const payBefore = Date.now() + 300;
    await ask(terms({ payBefore: new Date(payBefore).toISOString() }));
    await eventually(() => told.length === 1, SOON);
    expect(Date.now()).toBeGreaterThanOrEqual(payBefore);
  });

  it('fails when it is told to, and has done it every other time', async () => {
    await start({ fails: ALWAYS });
    const orders = Array.from({ length: 40 }, () => terms());
    const answers = await Promise.all(orders.map((order) => ask(order)));
    expect(answers.every(({ status }) => status === 500)).toBe(true);
    simulator.setBehaviour({});
    const again = await Promise.all(orders.map((order) => ask(order)));
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([200, 201]));
  });

  it('hangs when it is told to, and lets go of its callers when it stops', async () => {
    await start({ hangs: ALWAYS });
    const asking = ask().catch(() => 'gone');
    await simulator.close();
    expect(await asking).toBeDefined();
    await start();
  });

  it('tells again until it is heard', async () => {
    await start({ pays: { ...ALWAYS, delayMs: [0, 0] } });
    shopAnswers = 503;
    await ask();
    shopAnswers = 200;
    await eventually(() => told.length === 1, SOON);
  });

  it('knows after a restart what it has taken, what it owes and what it has not told, and forgets half a line', async () => {
    await start({ pays: { ...ALWAYS, delayMs: [0, 0] } });
    shopAnswers = 503;
    const order = terms();
    const { body } = await ask(order);
    const charged = async () => (await (await fetch(`${simulator.url}/charges`)).json()) as { charges: object[] };
    await eventually(async () => (await charged()).charges.length === 1, SOON);
    await simulator.close();
    appendFileSync(join(directory, 'journal.jsonl'), '{"is":"asked","ter');
    shopAnswers = 200;

    await start();
    expect((await charged()).charges).toMatchObject([{ paymentId: body.paymentId, orderId: order.orderId }]);
    await eventually(() => told.length === 1, SOON);
    expect((await ask(order)).status).toBe(200);
  });

  it('changes its behaviour while it runs, and refuses one that it does not understand', async () => {
    await start();
    const put = (body: object) =>
      fetch(`${simulator.url}/behaviour`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect(await (await put({ fails: { probability: 0.5 } })).json()).toMatchObject({ fails: { probability: 0.5 } });
    expect((await put({ fails: { probability: 2 } })).status).toBe(400);
    expect((await put({ explodes: true })).status).toBe(400);
  });

  it('says everything that is wrong with its settings at once, and never runs in production', async () => {
    await start();
    const reading = readSimulatorSettings({ NODE_ENV: 'production', SIMULATOR_PORT: 'x', SIMULATOR_BEHAVIOUR: '{' });
    const lines = 'mistakes' in reading ? reading.mistakes : [];
    expect(lines.map((line) => line.split(':')[0]).sort()).toEqual([
      'NODE_ENV',
      'PAYMENT_WEBHOOK_SECRETS',
      'SIMULATOR_BEHAVIOUR',
      'SIMULATOR_DIRECTORY',
      'SIMULATOR_PORT',
      'SIMULATOR_WEBHOOK_URL',
    ]);
  });
});
