import { request } from 'undici';
import { connectRedis } from '../../src/platform/redis/connect.js';
import { laneKeys, saleKeys } from '../../src/stock/stock-keys.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/system.js';

const UNKNOWN = '01a1fda1-b549-70ec-997e-b75d3c616a5f';
const SOON = { withinMs: 10_000 };

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

describe('operating sales over HTTP', () => {
  let system: TestSystem;
  beforeAll(async () => (system = await TestSystem.start()), 60_000);
  afterAll(() => system.close());

  async function call(method: 'GET' | 'POST', path: string, { body, ...wishes }: Wishes = {}): Promise<Reply> {
    const { sub = 'operator', role = 'admin', headers = {} } = wishes;
    const token = system.token(sub, role === 'admin' ? 'admin' : undefined);
    const response = await request(system.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) as Reply['body'] };
  }
  interface Wishes {
    body?: unknown;
    sub?: string;
    role?: 'admin' | 'buyer';
    headers?: Record<string, string>;
  }

  const order = (saleId: string, buyer: string) =>
    call('POST', `/v1/sales/${saleId}/orders`, {
      sub: buyer,
      role: 'buyer',
      headers: { 'idempotency-key': 'key-1' },
      body: { quantity: 1 },
    });

  const problem = (slug: string, status: number, pointer?: string) => ({
    status,
    body: expect.objectContaining({
      type: `/problems/${slug}`,
      ...(pointer === undefined ? {} : { errors: [{ pointer, detail: expect.any(String) }] }),
    }),
  });

  const expectConsistent = async (saleId: string, books: object) =>
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, deadLettersOpen: 0, ...books });

  describe('adjusting the stock of a sale', () => {
    const path = (saleId: string) => `/v1/admin/sales/${saleId}/stock-adjustments`;
    const adjust = (saleId: string, delta: unknown, key = 'box', wishes: Wishes = {}) =>
      call('POST', path(saleId), {
        headers: { 'idempotency-key': key },
        body: { delta, reason: 'found a box' },
        ...wishes,
      });

    it('answers 201, and the same again to the same key, whatever was adjusted since', async () => {
      const saleId = await system.createSale({ stock: 5 });
      const first = await adjust(saleId, 3);
      expect(first).toMatchObject({ status: 201 });
      expect(first.headers['idempotency-replayed']).toBeUndefined();
      expect(first.body).toEqual({
        saleId,
        number: 1,
        delta: 3,
        reason: 'found a box',
        version: expect.any(Number),
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      });
      expect((await adjust(saleId, -1, 'broken')).body).toMatchObject({ number: 2, delta: -1 });

      const again = await adjust(saleId, 3, '"box"');
      expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
      expect(await adjust(saleId, 4)).toMatchObject(problem('idempotency-key-reused', 422));
      expect((await call('GET', `/v1/admin/sales/${saleId}`)).body).toMatchObject({
        stock: { total: 7, available: 7 },
      });
      await expectConsistent(saleId, { redis: { total: 7, available: 7, held: 0 } });
    });

    it('takes no unit that a buyer holds', async () => {
      const saleId = await system.createSale({ stock: 2 });
      await order(saleId, 'holder');
      expect(await adjust(saleId, -2)).toMatchObject(problem('stock-in-use', 409));
      expect((await adjust(saleId, -1)).status).toBe(201);
      expect(await order(saleId, 'late')).toMatchObject(problem('sold-out', 409));
      await expectConsistent(saleId, { redis: { total: 1, available: 0, held: 1 } });
    });

    it('names what is wrong with the request', async () => {
      const saleId = await system.createSale({ stock: 5 });
      for (const delta of ['1', 1.5, null, true, [1], {}]) {
        expect(await adjust(saleId, delta)).toMatchObject(problem('invalid-field', 400, '/delta'));
      }
      for (const reason of ['', 'x'.repeat(501), 7]) {
        const answer = await adjust(saleId, 1, 'box', { body: { delta: 1, reason } });
        expect(answer).toMatchObject(problem('invalid-field', 400, '/reason'));
      }
      const extra = { delta: 1, reason: 'x', total: 9 };
      expect(await adjust(saleId, 1, 'box', { body: extra })).toMatchObject(problem('unknown-field', 400, '/total'));
      expect(await adjust(saleId, 1, 'box', { body: [] })).toMatchObject(problem('invalid-body', 400));
      expect(await adjust(saleId, 1, 'box', { headers: {} })).toMatchObject(problem('idempotency-key-missing', 400));
      expect(await adjust(saleId, 1, 'a b')).toMatchObject(problem('idempotency-key-invalid', 400));
      for (const delta of [0, -6, 1_000_000_000, Number.MAX_SAFE_INTEGER]) {
        expect(await adjust(saleId, delta)).toMatchObject(problem('invalid-sale', 422, '/delta'));
      }
      expect(await adjust(saleId, 1, 'box', { role: 'buyer' })).toMatchObject(problem('forbidden', 403));
      expect(await adjust(UNKNOWN, 1)).toMatchObject(problem('sale-not-found', 404));
      expect(await adjust('nonsense', 1)).toMatchObject(problem('invalid-id', 400));
      await expectConsistent(saleId, { redis: { total: 5, available: 5, held: 0 } });
    });

    it.each(['adjust-inserted', 'adjust-scripted'])(
      'is finished by a worker when the API dies at %s',
      async (place) => {
        const saleId = await system.createSale({ stock: 5 });
        await system.stopRole('api');
        await system.startPart('api', { FAILPOINTS: place });
        await expect(adjust(saleId, -2)).rejects.toThrow();
        expect(await system.untilEnded('api')).toMatchObject({ signal: 'SIGKILL' });

        await system.startPart('api');

        await expectConsistent(saleId, { redis: { total: 3, available: 3, held: 0 }, postgres: { total: 3 } });
        expect(await adjust(saleId, -2)).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
      },
    );

    it('says that it does not know when Redis is away, and knows when it is back', async () => {
      const saleId = await system.createSale({ stock: 5 });
      await system.killPart('redis');
      const unknown = await adjust(saleId, 2);
      expect(unknown).toMatchObject(problem('outcome-unknown', 503));
      expect(unknown.headers['retry-after']).toBe('1');
      expect(await adjust(saleId, 2, 'another')).toMatchObject(problem('store-unavailable', 503));
      await system.startPart('redis');
      await eventually(async () => (await adjust(saleId, 2)).status === 201, SOON);
      await expectConsistent(saleId, { redis: { total: 7, available: 7, held: 0 } });
    });
  });

  describe('dead letters', () => {
    const LETTERS = '/v1/admin/dead-letters';
    type Letter = Record<string, unknown> & { deadLetterId: string };

    /** What somebody does to Redis. */
    async function inRedis(harm: (redis: ReturnType<typeof connectRedis>) => Promise<unknown>): Promise<void> {
      const redis = connectRedis(system.redisUrl, { name: 'harm', onError: () => undefined });
      await eventually(() => redis.ping(), SOON);
      await harm(redis);
      redis.disconnect();
    }

    /** The newest open one, once there is another than that. */
    const nextLetter = (after?: string) =>
      eventually(async () => {
        const { body } = await call('GET', `${LETTERS}?state=open`);
        const [letter] = body.deadLetters as Letter[];
        return letter !== undefined && letter.deadLetterId !== after && letter;
      }, SOON);

    const aForgedLetter = async () => {
      await inRedis((redis) => redis.xadd(laneKeys(0).orders, '*', 'v', '1', 'units', 'abc'));
      return nextLetter();
    };

    const discard = (letterId: string, body: unknown = { reason: 'forged' }, wishes: Wishes = {}) =>
      call('POST', `${LETTERS}/${letterId}/discard`, { body, ...wishes });

    it('are listed with what is known of them, come back when they are replayed in vain, and are resolved once', async () => {
      const first = await aForgedLetter();
      expect(first).toEqual({
        deadLetterId: expect.any(String),
        firstSeenAt: expect.any(String),
        lastSeenAt: expect.any(String),
        resolvedAt: null,
        resolvedBy: null,
        resolution: null,
        saleId: null,
        orderId: null,
        attempts: 1,
        lane: 0,
        entryId: expect.stringMatching(/^\d+-\d+$/),
        reason: 'unreadable',
        detail: 'it has 2 fields',
        state: 'open',
        fields: ['v', '1', 'units', 'abc'],
      });
      const path = `${LETTERS}/${first.deadLetterId}`;
      expect(await call('POST', `${path}/replay`)).toMatchObject({
        status: 202,
        body: { deadLetterId: first.deadLetterId, state: 'replayed', resolvedBy: 'operator' },
      });
      expect(await call('POST', `${path}/replay`)).toMatchObject(problem('already-resolved', 409));
      expect(await discard(first.deadLetterId)).toMatchObject(problem('already-resolved', 409));

      const second = await nextLetter(first.deadLetterId);
      expect(second).toMatchObject({ fields: first.fields, state: 'open' });
      expect(await discard(second.deadLetterId)).toMatchObject({
        status: 202,
        body: { state: 'discarded', resolution: 'forged', resolvedBy: 'operator', resolvedAt: expect.any(String) },
      });
      expect((await call('GET', `${LETTERS}/${second.deadLetterId}`)).body).toMatchObject({ state: 'discarded' });
      expect((await call('GET', `${LETTERS}?state=open`)).body).toMatchObject({ deadLetters: [] });
    });

    it('are the business of admins, and refuse what is wrong with a request', async () => {
      const { deadLetterId } = await aForgedLetter();
      const path = `${LETTERS}/${deadLetterId}`;
      for (const what of ['replay', 'discard']) {
        const body = { reason: 'x' };
        const ask = (id: string, wishes: Wishes = {}) => call('POST', `${LETTERS}/${id}/${what}`, { body, ...wishes });
        expect(await ask(deadLetterId, { role: 'buyer' })).toMatchObject(problem('forbidden', 403));
        expect(await ask(UNKNOWN)).toMatchObject(problem('dead-letter-not-found', 404));
        expect(await ask('nonsense')).toMatchObject(problem('invalid-id', 400));
        expect(await call('GET', `${path}/${what}`)).toMatchObject(problem('method-not-allowed', 405));
      }
      for (const reason of ['', 'x'.repeat(501), 7, null]) {
        expect(await discard(deadLetterId, { reason })).toMatchObject(problem('invalid-field', 400, '/reason'));
      }
      expect(await discard(deadLetterId, {})).toMatchObject(problem('invalid-field', 400, '/reason'));
      expect(await discard(deadLetterId, { reason: 'x', by: 'me' })).toMatchObject(
        problem('unknown-field', 400, '/by'),
      );
      expect((await discard(deadLetterId)).status).toBe(202);
    });

    it('are on the stream once when the API dies while it replays one', async () => {
      const { deadLetterId } = await aForgedLetter();
      await system.stopRole('api');
      await system.startPart('api', { FAILPOINTS: 'letter-replayed' });
      await expect(call('POST', `${LETTERS}/${deadLetterId}/replay`)).rejects.toThrow();
      expect(await system.untilEnded('api')).toMatchObject({ signal: 'SIGKILL' });
      await system.startPart('api');
      const second = await nextLetter(deadLetterId);

      expect((await call('POST', `${LETTERS}/${deadLetterId}/replay`)).status).toBe(202);

      expect((await call('GET', `${LETTERS}?state=open`)).body).toMatchObject({ deadLetters: [second] });
      await discard(second.deadLetterId);
    });

    it('reject an accepted order when they are discarded: its buyer sees it, and its units come back once', async () => {
      const saleId = await system.createSale({ stock: 1 });
      await inRedis((redis) => redis.hset(saleKeys(0, saleId).sale, 'available', 2));
      const [first, second] = [await order(saleId, 'first'), await order(saleId, 'second')];
      expect([first.status, second.status]).toEqual([202, 202]);
      const letter = await nextLetter();
      expect(letter).toMatchObject({ reason: 'refused-by-database', saleId });

      expect((await discard(letter.deadLetterId, { reason: 'sold too much' })).status).toBe(202);

      const buyer = letter.orderId === first.body.orderId ? 'first' : 'second';
      const path = `/v1/sales/${saleId}/orders/${String(letter.orderId)}`;
      expect((await call('GET', path, { sub: buyer, role: 'buyer' })).body).toMatchObject({
        status: 'rejected',
        amountMinor: 1999,
        expiresAt: null,
        history: [{ status: 'rejected', at: expect.any(String) }],
      });
      await system.admin('POST', `/v1/admin/sales/${saleId}/rebuild`);
      const isRebuilt = async () => {
        const { lanes } = await system.quiescentAudit(saleId);
        return lanes[0]?.lastRebuild?.because === 'operator asked for a rebuild' && lanes[0].state === 'open';
      };
      await eventually(isRebuilt, SOON);
      await expectConsistent(saleId, {
        redis: { total: 1, available: 0, held: 1 },
        postgres: { total: 1, pendingPayment: 1, paid: 0, toGiveBack: 0, givenBack: 1 },
      });
    });
  });
});
