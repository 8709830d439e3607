import { once } from 'node:events';
import { request } from 'undici';
import { connectRedis } from '../../src/platform/redis/connect.js';
import { saleKeys } from '../../src/stock/stock-keys.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/system.js';

const SOON = { withinMs: 30_000 };

interface Reply {
  status: number;
  replayed: unknown;
  body: Record<string, unknown>;
}

describe('sealing a sale over HTTP', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start({ AUDIT_AFTER_SECONDS: '1' });
    await system.startPart('simulator');
  }, 60_000);
  afterAll(() => system.close());

  async function post(path: string, { body = {}, sub }: { body?: object; sub?: string } = {}, key = 'key') {
    const response = await request(system.url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${sub ? system.token(sub) : system.token('operator', 'admin')}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify(body),
    });
    const replayed = response.headers['idempotency-replayed'];
    return { status: response.statusCode, replayed, body: (await response.body.json()) as Reply['body'] };
  }

  const operate = (saleId: string, what: string) => post(`/v1/admin/sales/${saleId}/${what}`);
  const buy = (saleId: string, sub: string, quantity = 1) =>
    post(`/v1/sales/${saleId}/orders`, { body: { quantity }, sub });
  const problem = (slug: string, status: number) => ({
    status,
    body: expect.objectContaining({ type: `/problems/${slug}` }) as unknown,
  });

  /** A sale of which one unit is paid and one was given back, and that is over. @returns its id, and the paid order. */
  async function aSaleThatIsOver(): Promise<{ saleId: string; first: Reply; cancelled: Reply }> {
    const saleId = await system.createSale({ stock: 5, perUserLimit: 2 });
    const [first, cancelled] = await Promise.all([buy(saleId, 'payer'), buy(saleId, 'leaver')]);
    const orderPath = ({ body }: Reply) => `/v1/sales/${saleId}/orders/${String(body.orderId)}`;
    await system.untilStored(orderPath(cancelled), 'leaver');
    await post(`${orderPath(cancelled)}/cancel`, { sub: 'leaver' });
    await eventually(async () => (await readOrder(orderPath(first), 'payer')).status === 'paid', SOON);
    await operate(saleId, 'end');
    return { saleId, first, cancelled };
  }

  async function readOrder(path: string, sub: string): Promise<Record<string, unknown>> {
    const { body } = await request(system.url + path, { headers: { authorization: `Bearer ${system.token(sub)}` } });
    return (await body.json()) as Record<string, unknown>;
  }

  async function seal(saleId: string): Promise<void> {
    await eventually(async () => (await operate(saleId, 'seal')).status === 200, SOON);
  }

  async function untilRemoved(saleId: string): Promise<void> {
    const redis = connectRedis(system.redisUrl, { name: 'test', onError: () => undefined });
    try {
      const { sale, buyers } = saleKeys(0, saleId);
      await eventually(async () => (await redis.exists(sale, buyers)) === 0, SOON);
    } finally {
      redis.disconnect();
    }
  }

  beforeAll(async () => {
    await request(`${system.simulatorUrl}/behaviour`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pays: { probability: 1, delayMs: [1_500, 1_500] } }), // time to cancel before
    });
  });

  it('answers known keys as before once Redis holds nothing of the sale, and refuses all others', async () => {
    const { saleId, first, cancelled } = await aSaleThatIsOver();
    await seal(saleId);
    await untilRemoved(saleId);

    expect(await system.get(`/v1/sales/${saleId}`)).toMatchObject({
      status: 'sealed',
      stock: { total: 5, available: 4 },
    });
    expect(await buy(saleId, 'payer')).toEqual({ ...first, replayed: 'true' });
    expect(await buy(saleId, 'leaver')).toEqual({ ...cancelled, replayed: 'true' });
    expect(await buy(saleId, 'payer', 2)).toMatchObject(problem('idempotency-key-reused', 422));
    expect(await buy(saleId, 'stranger')).toMatchObject(problem('sale-ended', 409));
    expect(await readOrder(`/v1/sales/${saleId}/orders/${String(first.body.orderId)}`, 'payer')).toMatchObject({
      status: 'paid',
    });
    expect(await system.quiescentAudit(saleId)).toMatchObject({
      consistent: true,
      redis: { total: 0 },
      postgres: { total: 5, paid: 1, givenBack: 1 },
    });
  });

  it('changes nothing more, whatever an operator says', async () => {
    const { saleId } = await aSaleThatIsOver();
    await seal(saleId);
    expect((await operate(saleId, 'seal')).status).toBe(200);
    for (const order of ['pause', 'resume', 'end']) {
      expect(await operate(saleId, order)).toMatchObject({ status: 200, body: { status: 'sealed' } });
    }
    const adjustment = { body: { delta: 1, reason: 'found one' } };
    expect(await post(`/v1/admin/sales/${saleId}/stock-adjustments`, adjustment)).toMatchObject(
      problem('sale-ended', 409),
    );
    const { statusCode } = await request(`${system.url}/v1/admin/sales/${saleId}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${system.token('operator', 'admin')}`,
        'content-type': 'application/json',
        'if-match': '*',
      },
      body: JSON.stringify({ name: 'another' }),
    });
    expect(statusCode).toBe(409);
  });

  it('is refused while something of the sale is open, and says what', async () => {
    const saleId = await system.createSale({ stock: 5 });
    expect(await operate(saleId, 'seal')).toMatchObject(problem('invalid-sale', 422));
    await system.stopRole('worker');
    await buy(saleId, 'waiting');
    await operate(saleId, 'end');

    const refused = await operate(saleId, 'seal');

    await system.startPart('worker');
    expect(refused).toMatchObject(problem('invalid-sale', 422));
    expect(JSON.stringify(refused.body.errors)).toContain('wait to be stored');
    await seal(saleId);
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, postgres: { paid: 1 } });
  });

  it('outlives a Redis that is emptied, which is made anew without the sale', async () => {
    const { saleId, first } = await aSaleThatIsOver();
    await seal(saleId);
    await untilRemoved(saleId);
    const redis = connectRedis(system.redisUrl, { name: 'test', onError: () => undefined });
    await once(redis, 'ready');
    await redis.flushall();
    const other = await system.createSale({ stock: 1 });
    await eventually(async () => (await buy(other, 'later')).status === 202, SOON);

    expect(await buy(saleId, 'payer')).toEqual({ ...first, replayed: 'true' });
    expect(await redis.exists(saleKeys(0, saleId).sale)).toBe(0);
    redis.disconnect();
  });

  it('takes it out of Redis again when a worker dies between Redis and its note of that', async () => {
    const { saleId, first } = await aSaleThatIsOver();
    await system.stopRole('worker');
    await system.startPart('worker', { FAILPOINTS: 'sale-removed' });
    await seal(saleId);
    expect(await system.untilEnded('worker')).toMatchObject({ signal: 'SIGKILL' });
    await system.startPart('worker');

    await untilRemoved(saleId);
    expect(await buy(saleId, 'payer')).toEqual({ ...first, replayed: 'true' });
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true });
  });
});
