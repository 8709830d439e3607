import { placeOrder } from '../support/crowd.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { inRedis } from '../support/stores.js';
import { TestSystem } from '../support/system.js';

/** Promised: the first 202 within 5 s after the fault ends. Not asserted as a duration, only as a limit that is not absurd. */
const HEALED_WITHIN_MS = 20_000;

describe('losing a store while orders come in', () => {
  let system: TestSystem;
  beforeAll(
    async () => (system = await TestSystem.start({ PERSIST_CLAIM_AFTER_MS: '2000', STATEMENT_TIMEOUT_MS: '1000' })),
    60_000,
  );
  afterAll(() => system.close());

  let serial = 0;
  const headersOf = (buyer = `buyer-${(serial += 1)}`) => ({
    authorization: `Bearer ${system.token(buyer)}`,
    'idempotency-key': `key-of-${buyer}`,
    'content-type': 'application/json',
  });
  const untilAccepted = (saleId: string, headers = headersOf()) =>
    eventually(
      async () => {
        const answer = await placeOrder(system, saleId, headers);
        return answer.status === 202 && answer;
      },
      { withinMs: HEALED_WITHIN_MS },
    );

  it.each(['lose-replies', 'lose-requests'] as const)(
    'says outcome-unknown when the network starts to %s, and answers the same key definitely afterwards',
    async (fault) => {
      const saleId = await system.createSale({ stock: 10 });
      const proxy = await FaultProxy.before(Number(new URL(system.redisUrl).port));
      const proxied = new URL(system.redisUrl);
      proxied.port = String(proxy.port);
      await system.stopRole('api');
      await system.startPart('api', { REDIS_URL: proxied.href });
      const headers = headersOf();
      await untilAccepted(saleId);

      proxy.fault = fault;
      expect(await placeOrder(system, saleId, headers)).toMatchObject({ status: 503, outcome: 'outcome-unknown' });
      proxy.fault = 'none';

      const accepted = await untilAccepted(saleId, headers);
      expect(await placeOrder(system, saleId, headers)).toEqual(accepted);
      const audit = await system.quiescentAudit(saleId);
      expect(audit).toMatchObject({ consistent: true, redis: { held: 2 }, postgres: { pendingPayment: 2 } });
      await system.stopRole('api');
      await system.startPart('api');
      await proxy.close();
    },
    60_000,
  );

  it('says store-unavailable while Redis is away, and opens by itself when it is back', async () => {
    const saleId = await system.createSale({ stock: 10 });
    await untilAccepted(saleId);
    await system.killPart('redis');

    await eventually(async () => (await placeOrder(system, saleId, headersOf())).outcome === 'store-unavailable', {
      withinMs: 5_000,
    });
    await system.startPart('redis');
    await untilAccepted(saleId);

    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, deadLettersOpen: 0 });
  }, 60_000);

  it('goes on accepting while Postgres is away, and stores everything when it is back', async () => {
    const saleId = await system.createSale({ stock: 10 });
    await untilAccepted(saleId);
    await system.killPart('postgres');

    const buyer = 'buyer-without-postgres';
    const { status, body } = await placeOrder(system, saleId, headersOf(buyer));
    expect(status).toBe(202);
    await system.startPart('postgres');

    await system.untilStored(`/v1/sales/${saleId}/orders/${String(body.orderId)}`, buyer);
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, deadLettersOpen: 0 });
  }, 60_000);

  it('says store-unavailable while Redis is full, and nothing is half done', async () => {
    const saleId = await system.createSale({ stock: 10 });
    await inRedis(system.redisUrl, async (redis) => {
      await redis.config('SET', 'maxmemory', '1mb');
      const answer = await placeOrder(system, saleId, headersOf());
      expect(answer).toMatchObject({ status: 503, outcome: 'store-unavailable' });
      await redis.config('SET', 'maxmemory', '0');
    });

    await untilAccepted(saleId);
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, redis: { held: 1 } });
  }, 60_000);

  it('answers as if nothing had happened when the script cache is flushed', async () => {
    const saleId = await system.createSale({ stock: 10 });
    await inRedis(system.redisUrl, (redis) => redis.script('FLUSH'));
    expect((await placeOrder(system, saleId, headersOf())).status).toBe(202);
  });

  it('answers every request that was sent before SIGTERM, and exits 0', async () => {
    const saleId = await system.createSale({ stock: 1_000 });
    const sent = Array.from({ length: 200 }, () => placeOrder(system, saleId, headersOf()));
    await Promise.race(sent);
    const exited = system.stopRole('api');
    const answers = await Promise.all(sent);

    expect(await exited).toBe(0);
    const accepted = answers.filter(({ status }) => status === 202);
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(
      new Set(['accepted', ...answers.map(({ outcome }) => outcome).filter((outcome) => outcome === 'draining')]),
    );
    await system.startPart('api');
    const audit = await system.quiescentAudit(saleId);
    expect(audit).toMatchObject({ consistent: true, redis: { held: accepted.length } });
  }, 60_000);

  it('keeps the lane closed after FLUSHALL until a guard is there, and the audit says why', async () => {
    const saleId = await system.createSale({ stock: 10 });
    await untilAccepted(saleId);
    await system.quiescentAudit(saleId);
    await system.stopRole('worker');
    await inRedis(system.redisUrl, (redis) => redis.flushall());

    expect(await placeOrder(system, saleId, headersOf())).toMatchObject({ outcome: 'store-unavailable' });
    expect(await system.admin('GET', `/v1/admin/sales/${saleId}/audit`)).toMatchObject({
      consistent: false,
      lanes: [{ state: 'closed' }],
      differences: [{ kind: 'lane-closed' }],
    });
    await eventually(async () => (await system.statusOf(saleId)) === 'unavailable', { withinMs: 5_000 }); // remembered for 1 s

    await system.startPart('worker');
    await untilAccepted(saleId);
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, redis: { held: 2 } });
  }, 60_000);
});
