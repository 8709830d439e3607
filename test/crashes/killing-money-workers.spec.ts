import { request } from 'undici';
import { race } from '../support/crowd.js';
import { inRedis } from '../support/stores.js';
import { TestSystem } from '../support/system.js';
import { expectTrueMoney } from './money-true.js';

const TEST_MS_MAX = 120_000;
const BUYERS = 30;

describe('money, when who works on it is killed', () => {
  let system: TestSystem;
  beforeAll(async () => {
    // Short, so that what was in the hands of the dead comes again soon.
    system = await TestSystem.start({
      OUTBOX_LEASE_SECONDS: '2',
      QUEUE_CLAIM_AFTER_MS: '1000',
      GATEWAY_ATTEMPTS_MAX: '2',
      GATEWAY_TIMEOUT_MS: '500',
      GATEWAY_WALK_AFTER_SECONDS: '2',
    });
    await system.startPart('simulator');
  }, 60_000);
  afterAll(() => system.close());

  const behave = async (behaviour: object) => {
    const { statusCode, body } = await request(`${system.simulatorUrl}/behaviour`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(behaviour),
    });
    expect([statusCode, await body.text()]).toEqual([200, expect.anything()]);
  };
  const sell = async (sale: { paymentWindowSeconds?: number } = {}): Promise<string> => {
    const saleId = await system.createSale({ stock: BUYERS, ...sale });
    await race(system, { saleId, buyers: BUYERS, copies: 1 });
    return saleId;
  };
  const dieAt = async (failpoint: string) => {
    await system.startPart('worker', { FAILPOINTS: failpoint });
    expect(await system.untilEnded('worker')).toEqual({ code: null, signal: 'SIGKILL' });
    await system.startPart('worker');
  };

  describe('is paid once for each order, and worth points once', () => {
    it.each([
      ['the relay after it took the leases', 'relay-leased'],
      ['the relay after it filled the queues', 'relay-handed-over'],
      ['the payment worker after the gateway has made a payment', 'payment-asked'],
      ['the payment worker after it has recorded the payment', 'payment-recorded'],
      ['who settles webhooks, after their commit', 'webhooks-settled'],
      ['the rewards worker after it has granted points', 'points-granted'],
    ])(
      'killing %s',
      async (_, failpoint) => {
        await behave({ pays: { probability: 1, delayMs: [0, 50] }, repeats: { probability: 0.5 } });
        await system.stopRole('worker');
        const saleId = await sell();
        await dieAt(failpoint);
        await expectTrueMoney(system, saleId, 'paid');
      },
      TEST_MS_MAX,
    );

    it(
      'killing the API after it has kept a webhook and not answered',
      async () => {
        await behave({ pays: { probability: 1, delayMs: [3_000, 4_000] } });
        const saleId = await sell();
        await system.stopRole('api');
        await system.startPart('api', { FAILPOINTS: 'webhook-kept' });
        expect(await system.untilEnded('api')).toEqual({ code: null, signal: 'SIGKILL' });
        await system.startPart('api');
        await expectTrueMoney(system, saleId, 'paid');
      },
      TEST_MS_MAX,
    );
  });

  describe('goes back once for each order that has expired, and so do its units', () => {
    it.each([
      ['expiry after it has expired them', 'orders-expired'],
      ['compensation after Redis has the units back', 'units-released'],
      ['compensation after that is on record', 'release-recorded'],
      ['the refunds worker after the gateway has given it back', 'refund-asked'],
      ['the refunds worker after it has struck the event off', 'refund-struck-off'],
    ])(
      'killing %s',
      async (_, failpoint) => {
        await behave({ late: { probability: 1, delayMs: [800, 1_200] } });
        await system.stopRole('worker');
        const saleId = await sell({ paymentWindowSeconds: 2 });
        await dieAt(failpoint);
        await expectTrueMoney(system, saleId, 'expired');
      },
      TEST_MS_MAX,
    );
  });

  it(
    'pays all of them when the queues lose everything in the middle, and their Redis is killed',
    async () => {
      await behave({ pays: { probability: 1, delayMs: [0, 500] }, slow: { probability: 1, delayMs: [100, 300] } });
      const saleId = await sell();
      await inRedis(system.queueRedisUrl, (redis) => redis.flushall());
      const more = await sell();
      await system.killPart('queue-redis');
      await system.startPart('queue-redis');
      await expectTrueMoney(system, saleId, 'paid');
      await expectTrueMoney(system, more, 'paid');
    },
    TEST_MS_MAX,
  );

  it(
    'pays all of them when the gateway fails, hangs, repeats and shuffles what it tells, and dies in between',
    async () => {
      await behave({
        pays: { probability: 1, delayMs: [0, 500] },
        declines: { probability: 0.3 },
        repeats: { probability: 0.5 },
        shuffles: { probability: 0.5 },
        fails: { probability: 0.2 },
        hangs: { probability: 0.05, delayMs: [3_000, 3_000] },
      });
      const saleId = await sell();
      await system.killPart('simulator');
      await system.startPart('simulator', { SIMULATOR_BEHAVIOUR: '{"pays":{"probability":1,"delayMs":[0,100]}}' });
      await expectTrueMoney(system, saleId, 'paid');
    },
    TEST_MS_MAX,
  );
});
