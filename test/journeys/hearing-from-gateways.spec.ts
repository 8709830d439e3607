import { request } from 'undici';
import { v7 as uuidv7 } from 'uuid';
import { signWebhook } from '../../src/platform/http/webhook-signature.js';
import { QUEUE_PREFIX } from '../../src/platform/queue/queue-connections.js';
import { race } from '../support/crowd.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { inRedis, query } from '../support/stores.js';
import { TestSystem, WEBHOOK_SECRET } from '../support/system.js';

const SOON = { withinMs: 30_000 };
const OLDER_SECRET = 'an older secret of the webhooks that is long enough';

describe('hearing from gateways', () => {
  let system: TestSystem;
  let metricsPort: number;
  beforeAll(async () => {
    metricsPort = await freePort();
    system = await TestSystem.start({
      PAYMENT_WEBHOOK_SECRETS: `${WEBHOOK_SECRET},${OLDER_SECRET}`,
      OUTBOX_LEASE_SECONDS: '2',
      GATEWAY_ATTEMPTS_MAX: '2',
      GATEWAY_TIMEOUT_MS: '500',
    });
  }, 60_000);
  afterAll(() => system.close());

  const send = async (body: string, signature?: string) => {
    const answer = await request(`${system.url}/v1/payments/webhooks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(signature && { 'stampede-signature': signature }) },
      body,
    });
    return {
      status: answer.statusCode,
      challenge: answer.headers['www-authenticate'],
      body: (await answer.body.json()) as { type?: string },
    };
  };
  const anEvent = (overrides: object = {}) =>
    JSON.stringify({
      id: `evt-${uuidv7()}`,
      type: 'payment.succeeded',
      createdAt: new Date().toISOString(),
      data: { paymentId: `pay-${uuidv7()}`, orderId: uuidv7(), amountMinor: 1999, currency: 'USD' },
      ...overrides,
    });
  const kept = async (body: string) => {
    const { id } = JSON.parse(body) as { id: string };
    return query<{ id: string }>(system.databaseUrl, 'SELECT id FROM webhook_events WHERE id = $1', [id]);
  };
  const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1_000);
  const v1 = (header: string) => header.split(',')[1] ?? '';

  describe('answers 200 and keeps', () => {
    it.each([
      ['an event that the first secret has signed', (body: string) => signWebhook(WEBHOOK_SECRET, body)],
      ['one that the older secret has signed', (body: string) => signWebhook(OLDER_SECRET, body)],
      [
        'one with a wrong signature beside the right one',
        (body: string) => `${signWebhook(WEBHOOK_SECRET, body)},v1=00`,
      ],
      ['one that is almost too old', (body: string) => signWebhook(WEBHOOK_SECRET, body, secondsAgo(290))],
    ])('%s', async (_, sign) => {
      const body = anEvent();
      expect(await send(body, sign(body))).toMatchObject({ status: 200 });
      expect(await kept(body)).toHaveLength(1);
    });

    it.each([
      ['an unknown type', { type: 'dispute.opened' }],
      ['no data', { data: undefined }],
      ['an order id that is none', { data: { orderId: '../../etc' } }],
    ])('a signed event with %s', async (_, overrides) => {
      const body = anEvent(overrides);
      expect(await send(body, signWebhook(WEBHOOK_SECRET, body))).toMatchObject({ status: 200 });
      expect(await kept(body)).toHaveLength(1);
    });
  });

  describe('answers 401 and keeps nothing of', () => {
    it.each([
      ['no signature', 'invalid-signature', () => undefined],
      ['a signature of somebody else', 'invalid-signature', (body: string) => signWebhook('x'.repeat(32), body)],
      ['one byte changed', 'invalid-signature', (body: string) => signWebhook(WEBHOOK_SECRET, `${body} `)],
      [
        'a signature that is cut off',
        'invalid-signature',
        (body: string) => signWebhook(WEBHOOK_SECRET, body).slice(0, -2),
      ],
      ['no time', 'invalid-signature', (body: string) => v1(signWebhook(WEBHOOK_SECRET, body))],
      [
        'another time than was signed',
        'invalid-signature',
        (body: string) => `t=1,${v1(signWebhook(WEBHOOK_SECRET, body))}`,
      ],
      ['a time too long ago', 'stale-signature', (body: string) => signWebhook(WEBHOOK_SECRET, body, secondsAgo(310))],
      [
        'a time too far ahead',
        'stale-signature',
        (body: string) => signWebhook(WEBHOOK_SECRET, body, secondsAgo(-310)),
      ],
    ])('%s', async (_, slug, sign) => {
      const body = anEvent();
      expect(await send(body, sign(body))).toMatchObject({
        status: 401,
        challenge: 'Stampede-Signature',
        body: { type: `/problems/${slug}` },
      });
      expect(await kept(body)).toEqual([]);
    });
  });

  it.each([
    ['no JSON', 'paid!', 400, 'invalid-body'],
    ['no id', '{"type":"payment.succeeded"}', 400, 'invalid-body'],
    ['a NUL in its id', '{"id":"a\\u0000b","type":"payment.succeeded"}', 400, 'invalid-body'],
    ['too much', `{"id":"a","type":"b","data":"${'x'.repeat(70_000)}"}`, 413, 'body-too-large'],
  ])('refuses a signed body with %s', async (_, body, status, slug) => {
    expect(await send(body, signWebhook(WEBHOOK_SECRET, body))).toMatchObject({
      status,
      body: { type: `/problems/${slug}` },
    });
  });

  it('shows its queues to administrators alone, lets nobody change them, and takes a token as a browser sends a password', async () => {
    const look = async (authorization?: string, method: 'GET' | 'PUT' = 'GET', path = '/ops/queues') => {
      const { statusCode, headers, body } = await request(system.url + path, {
        method,
        headers: authorization === undefined ? {} : { authorization },
      });
      return { statusCode, challenge: headers['www-authenticate'], text: await body.text() };
    };
    const basic = (token: string) => `Basic ${Buffer.from(`admin:${token}`).toString('base64')}`;
    const admin = system.token('operator', 'admin');
    expect(await look()).toMatchObject({ statusCode: 401, challenge: expect.stringMatching(/^Basic /) });
    expect(await look(basic('nonsense'))).toMatchObject({
      statusCode: 401,
      challenge: expect.stringMatching(/^Basic /),
    });
    expect((await look(basic(system.token('ann')))).statusCode).toBe(403);
    expect(await look(basic(admin))).toMatchObject({ statusCode: 200, text: expect.stringContaining('Stampede') });
    const queues = await look(`Bearer ${admin}`, 'GET', '/ops/queues/api/queues');
    expect(queues.statusCode).toBe(200);
    expect((JSON.parse(queues.text) as { queues: { name: string }[] }).queues.map(({ name }) => name).sort()).toEqual([
      'payment',
      'refunds',
      'rewards',
    ]);
    expect((await look(basic(admin), 'PUT', '/ops/queues/api/queues/payment/clean/failed')).statusCode).toBe(405);
  });

  it('stops calling a gateway that is away, and pays everything once it is back', async () => {
    const metric = async (line: RegExp) => {
      const { body } = await request(`http://127.0.0.1:${metricsPort}/metrics`);
      return Number(line.exec(await body.text())?.[1] ?? NaN);
    };
    const isOpen = async () => (await metric(/^stampede_gateway_breaker_open\{gateway="http"\} (\d)/m)) === 1;
    await system.stopRole('worker');
    await system.startPart('worker', { METRICS_PORT: String(metricsPort) });
    const saleId = await system.createSale({ stock: 50 });
    await race(system, { saleId, buyers: 50, copies: 1 });
    await eventually(isOpen, SOON);

    await system.startPart('simulator', { SIMULATOR_BEHAVIOUR: '{"pays":{"probability":1,"delayMs":[0,0]}}' });
    await eventually(async () => {
      const { postgres } = await system.quiescentAudit(saleId);
      expect(postgres).toMatchObject({ paid: 50 });
    }, SOON);
    expect(await isOpen()).toBe(false);
    const answered = /^stampede_gateway_seconds_count\{gateway="http",operation="ask",outcome="ok"\} (\d+)/m;
    expect(await metric(answered)).toBeGreaterThanOrEqual(50);
  }, 60_000);

  it('stops in time with calls in hand that nobody answers, and pays everything afterwards', async () => {
    const behave = (behaviour: object) =>
      request(`${system.simulatorUrl}/behaviour`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(behaviour),
      });
    await behave({ pays: { probability: 1, delayMs: [0, 0] }, hangs: { probability: 1 } });
    const saleId = await system.createSale({ stock: 20 });
    await race(system, { saleId, buyers: 20, copies: 1 });
    const inHand = () => inRedis(system.queueRedisUrl, (redis) => redis.llen(`${QUEUE_PREFIX}:payment:active`));
    await eventually(async () => (await inHand()) > 0, SOON);
    expect(await system.stopRole('worker')).toBe(0);

    await behave({ pays: { probability: 1, delayMs: [0, 0] } });
    await system.startPart('worker');
    await eventually(async () => {
      expect((await system.quiescentAudit(saleId)).postgres).toMatchObject({ paid: 20 });
    }, SOON);
  }, 60_000);
});
