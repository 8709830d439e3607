import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { BehaviourInput } from '../../src/simulator/behaviour.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';
import { untilStarted } from '../support/until-started.js';

const SOON = { withinMs: 10_000 };
const ALWAYS = { probability: 1 };

interface Told {
  id: string;
  type: string;
  data: { orderId: string };
}

describe('the program of the simulator', () => {
  let directory: string;
  let port: number;
  let shop: Server;
  let told: Told[];
  let receive: (response: ServerResponse) => void;
  let program: ChildProcess | undefined;

  const environment = (behaviour: BehaviourInput = {}) => ({
    PATH: process.env.PATH,
    SIMULATOR_PORT: String(port),
    SIMULATOR_WEBHOOK_URL: `http://127.0.0.1:${(shop.address() as AddressInfo).port}/hook`,
    SIMULATOR_DIRECTORY: directory,
    SIMULATOR_BEHAVIOUR: JSON.stringify(behaviour),
    PAYMENT_WEBHOOK_SECRETS: 'a secret of the simulator that is long enough',
  });
  const start = async (behaviour: BehaviourInput = {}) => {
    program = spawn(process.execPath, ['dist/simulator.js'], {
      env: environment(behaviour),
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    await untilStarted(program, 'simulator');
  };
  const end = async (how: (child: ChildProcess) => void) => {
    const child = program as ChildProcess;
    const ended = once(child, 'exit');
    how(child);
    program = undefined;
    const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
    return code ?? signal;
  };
  const kill = (signal: NodeJS.Signals) => end((child) => child.kill(signal));

  beforeEach(async () => {
    directory = privateDirectory();
    port = await freePort();
    told = [];
    receive = (response) => response.end();
    shop = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        told.push(JSON.parse(body) as Told);
        receive(response);
      });
    });
    await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    if (program) await kill('SIGKILL');
    shop.closeAllConnections();
    shop.close();
    await removeDirectory(directory);
  });

  const call = async (path: string, method = 'GET', body?: { orderId: string }) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: body
        ? { 'content-type': 'application/json', 'idempotency-key': body.orderId }
        : { 'idempotency-key': path.split('/')[2] ?? '' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const terms = (payInMs = 60_000) => ({
    orderId: uuidv7(),
    saleId: uuidv7(),
    amountMinor: 1999,
    currency: 'USD',
    description: 'Mug',
    payBefore: new Date(Date.now() + payInMs).toISOString(),
    returnUrl: 'http://127.0.0.1:3000/',
  });
  const approve = (paymentId: unknown) =>
    fetch(`http://127.0.0.1:${port}/pay/${String(paymentId)}/approve`, { method: 'POST', redirect: 'manual' });
  const events = (type: string, { orderId }: { orderId: string }) =>
    told.filter((event) => event.type === type && event.data.orderId === orderId);

  it('loses nothing that it has answered to kill -9, and does after it what it had still to do', async () => {
    receive = (response) => response.writeHead(503).end();
    await start({ late: { ...ALWAYS, delayMs: [0, 0] }, refundDelayMs: [2_000, 2_000] });
    const [paid, later] = [terms(), terms(2_000)];
    const { body: payment } = await call('/payments', 'POST', paid);
    await call('/payments', 'POST', later);
    await approve(payment.paymentId);
    const refunds = `/payments/${String(payment.paymentId)}/refunds`;
    const { body: refund } = await call(refunds, 'POST');
    expect(refund.status).toBe('pending');
    await eventually(() => events('payment.succeeded', paid).length > 0, SOON);
    const [untaken] = events('payment.succeeded', paid);
    expect(await kill('SIGKILL')).toBe('SIGKILL');

    told = [];
    receive = (response) => response.end();
    await start();
    expect((await call('/payments', 'POST', paid)).status).toBe(200);
    await eventually(() => events('payment.succeeded', paid).length > 0, SOON);
    expect(events('payment.succeeded', paid)).toEqual([untaken]);
    await eventually(() => events('payment.succeeded', later).length > 0, SOON);
    await eventually(() => events('refund.succeeded', paid).length > 0, SOON);
    expect(await call(refunds, 'POST')).toEqual({
      status: 200,
      body: { refundId: refund.refundId, status: 'succeeded' },
    });
    const { body: charges } = await call('/charges');
    expect(charges).toMatchObject({ charges: [{ orderId: paid.orderId }, { orderId: later.orderId }], next: null });
  });

  it('tells of nothing again that was taken before kill -9', async () => {
    await start();
    const order = terms();
    const { body: payment } = await call('/payments', 'POST', order);
    await approve(payment.paymentId);
    await eventually(() => told.length === 1, SOON);
    await eventually(() => readFileSync(join(directory, 'journal.jsonl'), 'utf8').includes('"told"'), SOON);
    await kill('SIGKILL');

    await start();
    const other = terms();
    await approve((await call('/payments', 'POST', other)).body.paymentId);
    await eventually(() => events('payment.succeeded', other).length === 1, SOON);
    expect(told).toHaveLength(2);
  });

  it('tells of a payment before it answers for it, when it pays at once and is slow', async () => {
    await start({ pays: { ...ALWAYS, delayMs: [0, 0] }, slow: { ...ALWAYS, delayMs: [500, 500] } });
    const order = terms();
    expect((await call('/payments', 'POST', order)).status).toBe(201);
    expect(events('payment.succeeded', order)).toHaveLength(1);
  });

  it.each<[string, (child: ChildProcess) => void]>([
    ['SIGTERM', (child) => child.kill('SIGTERM')],
    ['SIGINT', (child) => child.kill('SIGINT')],
    ['the end of its parent', (child) => child.disconnect()],
  ])('ends in order at %s, also while the shop is silent and a caller waits', async (_, how) => {
    receive = () => undefined;
    await start({ hangs: ALWAYS });
    const order = terms();
    const asking = call('/payments', 'POST', order).catch(() => undefined);
    await eventually(async () => (await approve(`pay_${order.orderId.replaceAll('-', '')}`)).status === 303, SOON);
    await eventually(() => told.length === 1, SOON);
    expect(await end(how)).toBe(0);
    await asking;
  });

  it('is refused in production, in one line', async () => {
    const child = spawn(process.execPath, ['dist/simulator.js'], {
      env: { ...environment(), NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    expect(await once(child, 'close')).toEqual([78, null]);
    expect(said).toBe('NODE_ENV: the simulator never runs in production\n');
  });
});
