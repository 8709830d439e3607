import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import { GatewayMetrics } from '../../src/payment/gateway-metrics.js';
import { FAILURES_TO_BREAK, GatewayUnavailable, GuardedGateway } from '../../src/payment/guarded-gateway.js';
import { HttpGateway } from '../../src/payment/http-gateway.js';
import { GatewayRefusal } from '../../src/payment/payment-gateway.js';
import { eventually } from '../support/eventually.js';

type Manner = 'answers' | 'hangs' | 'fails' | 'refuses' | 'talks nonsense';

describe('a guarded gateway', () => {
  let server: Server;
  /** How the next calls are answered; the last one stays. */
  let manners: Manner[];
  let calls: number;
  let http: HttpGateway;
  let registry: Registry;
  let lines: { msg: string }[];

  beforeEach(async () => {
    [calls, lines, registry] = [0, [], new Registry()];
    server = createServer((_, response) => {
      calls += 1;
      const manner = manners.length > 1 ? manners.shift() : manners[0];
      if (manner === 'answers') response.writeHead(201).end('{"paymentId":"pay_1","paymentUrl":null}');
      if (manner === 'fails') response.writeHead(503).end('{"error":"not now"}');
      if (manner === 'refuses') response.writeHead(422).end('{"error":"never"}');
      if (manner === 'talks nonsense') response.writeHead(200).end('{"paymentId":7}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    http = new HttpGateway({ url: `http://127.0.0.1:${port}/base/`, returnUrl: 'http://127.0.0.1:9/' });
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await http.close();
  });

  const guarded = ({ attemptsMax = 3, timeoutMs = 5_000, breakMs = 60_000 } = {}) => {
    const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as { msg: string }) });
    return new GuardedGateway(http, { attemptsMax, timeoutMs, breakMs }, new GatewayMetrics(registry, 'http'), logger);
  };
  const aRequest = () => ({
    orderId: uuidv7(),
    saleId: uuidv7(),
    amountMinor: 1,
    currency: 'USD',
    description: 'Mug',
    payBefore: new Date(),
  });
  const ask = (gateway: GuardedGateway) => gateway.askForPayment(aRequest());
  const attempts = async (outcome: string) => {
    const line = new RegExp(
      `^stampede_gateway_seconds_count\\{gateway="http",operation="ask",outcome="${outcome}"\\} (\\d+)`,
      'm',
    );
    return Number(line.exec(await registry.metrics())?.[1] ?? 0);
  };
  const hasNoConnection = () =>
    new Promise<boolean>((resolve) => server.getConnections((_, count) => resolve(count === 0)));
  const isOpen = async () => (await registry.metrics()).includes('stampede_gateway_breaker_open{gateway="http"} 1');

  it.each<[string, Manner, string]>([
    ['fails', 'fails', 'failed'],
    ['answers something else than was asked for', 'talks nonsense', 'failed'],
  ])('tries again when the gateway %s, and counts each attempt', async (_, manner, outcome) => {
    manners = [manner, manner, 'answers'];
    expect(await ask(guarded())).toEqual({ paymentId: 'pay_1', paymentUrl: null });
    expect([calls, await attempts(outcome), await attempts('ok')]).toEqual([3, 2, 1]);
  });

  it('waits for no attempt longer than its time, and tries again', async () => {
    manners = ['hangs', 'answers'];
    expect(await ask(guarded({ timeoutMs: 100 }))).toMatchObject({ paymentId: 'pay_1' });
    expect([await attempts('timeout'), await attempts('ok')]).toEqual([1, 1]);
  });

  it('waits for no page of charges longer than its time, and leaves no call of it behind', async () => {
    manners = ['hangs'];
    const pages = guarded({ timeoutMs: 100 }).chargesSince(new Date(0), new AbortController().signal);
    await expect(pages[Symbol.asyncIterator]().next()).rejects.toThrow('timed out');
    expect(calls).toBe(1);
    expect(await registry.metrics()).toContain('{gateway="http",operation="charges",outcome="timeout"} 1');
    await eventually(() => hasNoConnection(), { withinMs: 5_000 });
  });

  it('gives up when the caller does, while an attempt hangs', async () => {
    manners = ['hangs'];
    const caller = new AbortController();
    const asked = guarded({ attemptsMax: 1 }).askForPayment(aRequest(), caller.signal);
    await eventually(() => expect(calls).toBe(1), { withinMs: 5_000 });
    const abortedAtMs = performance.now();
    caller.abort();
    await expect(asked).rejects.toThrow();
    expect(performance.now() - abortedAtMs).toBeLessThan(2_000); // the attempt would have 5 s
  });

  it('gives up after so many attempts, with the last error', async () => {
    manners = ['fails'];
    await expect(ask(guarded({ attemptsMax: 2 }))).rejects.toThrow('503');
    expect(calls).toBe(2);
  });

  it('takes a refusal for an answer: it neither tries again nor holds it against the gateway', async () => {
    manners = ['refuses'];
    const gateway = guarded();
    for (let times = 0; times < 2 * FAILURES_TO_BREAK; times += 1) {
      await expect(ask(gateway)).rejects.toThrow(GatewayRefusal);
    }
    expect([calls, await attempts('refused'), await isOpen()]).toEqual([
      2 * FAILURES_TO_BREAK,
      2 * FAILURES_TO_BREAK,
      false,
    ]);
  });

  it('fails at once while nothing is let through, and does not try again', async () => {
    manners = ['fails'];
    const gateway = guarded({ attemptsMax: 2 });
    expect(await isOpen()).toBe(false);
    expect(await registry.metrics()).toContain('stampede_gateway_breaker_open{gateway="http"} 0');
    for (let times = 0; times < FAILURES_TO_BREAK / 2; times += 1) await expect(ask(gateway)).rejects.toThrow('503');
    const beganAtMs = performance.now();
    for (let times = 0; times < 20; times += 1) await expect(ask(gateway)).rejects.toThrow(GatewayUnavailable);
    expect(performance.now() - beganAtMs).toBeLessThan(500); // one wait before a second attempt is about 100 ms
    expect(calls).toBe(FAILURES_TO_BREAK);
  });

  it('lets nothing through after so many failures in a row, says so once, and closes again when it answers', async () => {
    manners = ['fails'];
    const gateway = guarded({ attemptsMax: 1, breakMs: 200 });
    for (let times = 0; times < FAILURES_TO_BREAK; times += 1) await expect(ask(gateway)).rejects.toThrow('503');
    expect(await isOpen()).toBe(true);
    await expect(ask(gateway)).rejects.toThrow(GatewayUnavailable);
    expect(calls).toBe(FAILURES_TO_BREAK);

    await eventually(() => expect(ask(gateway)).rejects.toThrow('503'), { withinMs: 5_000 }); // one is let through
    manners = ['answers'];
    await eventually(() => ask(gateway), { withinMs: 5_000 });
    expect(await isOpen()).toBe(false);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'the gateway fails again and again: the circuit breaker is open',
      'the gateway answers again: the circuit breaker is closed',
    ]);
    const metrics = await registry.metrics();
    expect(metrics).toContain('stampede_gateway_breaker_transitions_total{gateway="http",to="open"} 1');
    expect(metrics).toContain('stampede_gateway_breaker_transitions_total{gateway="http",to="closed"} 1');
  });
});
