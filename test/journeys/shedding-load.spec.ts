import { request } from 'undici';
import { connectRedis } from '../../src/platform/redis/connect.js';
import { LaneGate } from '../../src/stock/lane-gate.js';
import { baseOf } from '../../src/stock/version.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/system.js';

/** The least that a limit by waiting time comes to, however slow a lane is (order-stream/drain-rate.ts). */
const BACKLOG_MAX = 1_000;
const AT_ONCE = 64;

interface Reply {
  status: number;
  type: unknown;
  retryAfter: unknown;
  replayed: unknown;
}

describe('shedding load', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start({ BACKLOG_WAIT_SECONDS_MAX: '1' });
  }, 60_000);
  afterAll(() => system.close());

  async function buy(saleId: string, sub: string): Promise<Reply> {
    const { statusCode, headers, body } = await request(`${system.url}/v1/sales/${saleId}/orders`, {
      dispatcher: system.http,
      method: 'POST',
      headers: {
        authorization: `Bearer ${system.token(sub)}`,
        'idempotency-key': 'key',
        'content-type': 'application/json',
      },
      body: '{"quantity":1}',
    });
    const { type } = (await body.json()) as { type?: string };
    const { 'retry-after': retryAfter, 'idempotency-replayed': replayed } = headers;
    return { status: statusCode, type, retryAfter, replayed };
  }

  /** So many buyers, some of them at once. */
  async function crowd(saleId: string, buyers: readonly string[]): Promise<Map<string, Reply>> {
    const replies = new Map<string, Reply>();
    const coming = buyers.values();
    const come = async () => {
      for (const buyer of coming) replies.set(buyer, await buy(saleId, buyer));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, come));
    return replies;
  }

  async function backlog(): Promise<number> {
    const redis = connectRedis(system.redisUrl, { name: 'test', onError: () => undefined });
    try {
      const { version, epoch, recorded } = await eventually(() => new LaneGate(redis).read(0), { withinMs: 5_000 });
      return version - baseOf(epoch) - recorded;
    } finally {
      redis.disconnect();
    }
  }

  it('keeps the backlog bounded while nothing is stored, loses nothing, and recovers by itself', async () => {
    const saleId = await system.createSale({ stock: 100_000 });
    const buyers = Array.from({ length: 2_500 }, (_, n) => `buyer-${n}`);
    system.pauseRole('worker');

    const replies = await crowd(saleId, buyers);

    expect(await backlog()).toBe(BACKLOG_MAX);
    const accepted = buyers.filter((buyer) => replies.get(buyer)?.status === 202);
    const refused = buyers.filter((buyer) => replies.get(buyer)?.status !== 202);
    expect(accepted).toHaveLength(BACKLOG_MAX);
    for (const buyer of refused) {
      expect(replies.get(buyer)).toMatchObject({ status: 503, type: '/problems/overloaded' });
      expect(Number(replies.get(buyer)?.retryAfter)).toBeGreaterThanOrEqual(1);
    }
    expect(await buy(saleId, accepted[0] ?? '')).toMatchObject({ status: 202, replayed: 'true' });

    system.resumeRole('worker');

    await eventually(async () => (await buy(saleId, refused[0] ?? '')).status === 202, { withinMs: 30_000 });
    const again = await crowd(saleId, refused);
    const later = refused.filter((buyer) => again.get(buyer)?.status === 202);
    const audit = await system.quiescentAudit(saleId);
    expect(audit).toMatchObject({
      consistent: true,
      deadLettersOpen: 0,
      postgres: { pendingPayment: accepted.length + later.length },
    });
  });

  it('tells a buyer of a sale that is sold out so, also while nothing is stored', async () => {
    const full = await system.createSale({ stock: 1 });
    expect(await buy(full, 'first')).toMatchObject({ status: 202 });
    const other = await system.createSale({ stock: 10_000 });
    system.pauseRole('worker');
    await crowd(
      other,
      Array.from({ length: 1_100 }, (_, n) => `other-${n}`),
    );

    expect(await buy(other, 'one-more')).toMatchObject({ status: 503, type: '/problems/overloaded' });
    expect(await buy(full, 'late')).toMatchObject({ status: 409, type: '/problems/sold-out' });

    system.resumeRole('worker');
    expect(await system.quiescentAudit(other)).toMatchObject({ consistent: true });
  });

  it('takes a limit that an operator changes while it sheds', async () => {
    const saleId = await system.createSale({ stock: 10_000 });
    system.pauseRole('worker');
    await crowd(
      saleId,
      Array.from({ length: 1_100 }, (_, n) => `some-${n}`),
    );
    expect(await buy(saleId, 'patient')).toMatchObject({ type: '/problems/overloaded' });

    await change('backlog-wait-seconds-max', 600);

    expect(await buy(saleId, 'patient')).toMatchObject({ status: 202 });
    await change('backlog-wait-seconds-max', null);
    expect(await buy(saleId, 'impatient')).toMatchObject({ type: '/problems/overloaded' });
    system.resumeRole('worker');
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true });
  });

  it('refuses a buyer who sends too much, with the time after which to ask again', async () => {
    const saleId = await system.createSale({ stock: 10 });
    await change('buyer-rate-per-second', 1);
    await change('buyer-rate-burst', 3);
    const replies = await Promise.all(Array.from({ length: 6 }, () => buy(saleId, 'eager')));
    await change('buyer-rate-burst', null);
    await change('buyer-rate-per-second', null);

    expect(replies.filter(({ status }) => status === 202)).toHaveLength(3);
    expect(replies.filter(({ status }) => status === 429)).toEqual(
      Array.from({ length: 3 }, () => ({
        status: 429,
        type: '/problems/rate-limited',
        retryAfter: '1',
        replayed: undefined,
      })),
    );
  });

  async function change(name: string, value: number | null): Promise<void> {
    const { statusCode, body } = await request(`${system.url}/v1/admin/settings/${name}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${system.token('operator', 'admin')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ value }),
    });
    expect({ statusCode, text: await body.text() }).toMatchObject({ statusCode: 200 });
  }
});
