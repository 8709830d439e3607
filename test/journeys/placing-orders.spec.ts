import { request } from 'undici';
import { TestSystem } from '../support/system.js';

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

describe('placing an order over HTTP', () => {
  let system: TestSystem;
  beforeAll(async () => (system = await TestSystem.start()), 60_000);
  afterAll(() => system.close());

  let serial = 0;
  const someone = () => `buyer-${(serial += 1)}`;

  async function call(
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Reply> {
    const response = await request(system.url + path, { method, headers, body });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: (await response.body.json()) as Record<string, unknown>,
    };
  }

  const order = (
    saleId: string,
    buyer: string,
    { key = 'key-1', quantity = 1 }: { key?: string; quantity?: number } = {},
  ) =>
    call(
      'POST',
      `/v1/sales/${saleId}/orders`,
      {
        authorization: `Bearer ${system.token(buyer)}`,
        'idempotency-key': key,
        'content-type': 'application/json',
      },
      JSON.stringify({ quantity }),
    );

  const problem = (slug: string, status: number) => ({
    status,
    headers: expect.objectContaining({
      'content-type': expect.stringContaining('application/problem+json'),
    }) as unknown,
    body: expect.objectContaining({
      type: `/problems/${slug}`,
      status,
      instance: expect.any(String) as unknown,
    }) as unknown,
  });

  it('answers 202 with the order, its place and its version', async () => {
    const saleId = await system.createSale({ stock: 5, perUserLimit: 2 });
    const { status, headers, body } = await order(saleId, someone(), { quantity: 2 });

    expect(status).toBe(202);
    expect(body).toEqual({
      orderId: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ) as unknown,
      saleId,
      quantity: 2,
      status: 'queued',
      acceptedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
      version: expect.any(Number) as unknown,
    });
    expect(headers.location).toBe(`/v1/sales/${saleId}/orders/${String(body.orderId)}`);
    expect(headers['idempotency-replayed']).toBeUndefined();
  });

  it('answers a repeated key with the same body, quoted or not, also when the sale is sold out, paused or ended', async () => {
    const saleId = await system.createSale({ stock: 1 });
    const buyer = someone();
    const first = await order(saleId, buyer);
    const expectReplay = async () => {
      const again = await order(saleId, buyer, { key: '"key-1"' });
      expect(again).toMatchObject({ status: 202, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    };

    await expectReplay();
    await system.admin('POST', `/v1/admin/sales/${saleId}/pause`);
    await expectReplay();
    await system.admin('POST', `/v1/admin/sales/${saleId}/end`);
    await expectReplay();
  });

  it('refuses the same key with another quantity, and lets another buyer use it', async () => {
    const saleId = await system.createSale({ stock: 5, perUserLimit: 2 });
    const buyer = someone();
    await order(saleId, buyer);

    expect(await order(saleId, buyer, { quantity: 2 })).toMatchObject(problem('idempotency-key-reused', 422));
    expect((await order(saleId, someone())).status).toBe(202);
  });

  it('refuses what is sold out, and what exceeds the limit of a buyer', async () => {
    const saleId = await system.createSale({ stock: 2, perUserLimit: 2 });
    const buyer = someone();
    await order(saleId, buyer);

    expect(await order(saleId, someone(), { quantity: 2 })).toMatchObject(problem('sold-out', 409));
    expect(await order(saleId, buyer, { key: 'key-2', quantity: 2 })).toMatchObject(problem('user-limit', 409));
  });

  it('refuses before the window with Retry-After, after it, while paused, and once ended', async () => {
    const early = await system.createSale({ stock: 1, startsInMs: 60_000 });
    const late = await system.createSale({ stock: 1, endsInMs: -1_000 });
    const halted = await system.createSale({ stock: 1 });

    const tooEarly = await order(early, someone());
    expect(tooEarly).toMatchObject(problem('sale-not-started', 409));
    expect(Number(tooEarly.headers['retry-after'])).toBeGreaterThan(50);
    expect(await order(late, someone())).toMatchObject(problem('sale-ended', 409));
    await system.admin('POST', `/v1/admin/sales/${halted}/pause`);
    expect(await order(halted, someone())).toMatchObject(problem('sale-paused', 409));
    await system.admin('POST', `/v1/admin/sales/${halted}/resume`);
    expect((await order(halted, someone())).status).toBe(202);
    await system.admin('POST', `/v1/admin/sales/${halted}/end`);
    await system.admin('POST', `/v1/admin/sales/${halted}/end`);
    expect(await order(halted, someone())).toMatchObject(problem('sale-ended', 409));
  });

  it('names what is wrong with a request before it looks at the sale', async () => {
    const saleId = await system.createSale({ stock: 5, perUserLimit: 3, maxPerOrder: 2 });
    const path = `/v1/sales/${saleId}/orders`;
    const authorization = `Bearer ${system.token(someone())}`;
    const json = { authorization, 'content-type': 'application/json' };
    const keyed = { ...json, 'idempotency-key': 'k' };

    expect(await call('POST', path, {}, '')).toMatchObject(problem('unauthenticated', 401));
    expect(await call('POST', path, { authorization: 'Bearer x.y.z' }, '{')).toMatchObject(
      problem('invalid-token', 401),
    );
    expect(await call('POST', path, { authorization, 'content-type': 'text/plain' }, '{')).toMatchObject(
      problem('unsupported-media-type', 415),
    );
    expect(await call('POST', path, json, 'x'.repeat(5_000))).toMatchObject(problem('body-too-large', 413));
    expect(await call('POST', path, json, '{"quantity":1,"quantity":1}')).toMatchObject(problem('malformed-json', 400));
    expect(await call('POST', path, json, '[]')).toMatchObject(problem('invalid-body', 400));
    expect(await call('POST', path, json, '{"quantity":1,"price":1}')).toMatchObject(problem('unknown-field', 400));
    for (const quantity of [
      '"2"',
      'true',
      '[2]',
      'null',
      '{}',
      '0',
      '-1',
      '-0',
      '1.5',
      '1e400',
      '9007199254740993',
      '3',
    ]) {
      const answer = await call('POST', path, keyed, `{"quantity":${quantity}}`);
      expect(answer).toMatchObject(problem('invalid-field', 400));
      expect(answer.body.errors).toEqual([{ pointer: '/quantity', detail: expect.any(String) as unknown }]);
    }
    expect(await call('POST', path, json, '{"quantity":1}')).toMatchObject(problem('idempotency-key-missing', 400));
    for (const key of ['', 'x'.repeat(65), 'a b', '"a', 'a"', '{a}', 'a:b', 'a*', 'é']) {
      const answer = await call(
        'POST',
        path,
        { ...json, 'idempotency-key': Buffer.from(key).toString('latin1') },
        '{"quantity":1}',
      );
      expect(answer).toMatchObject(problem('idempotency-key-invalid', 400));
    }
    expect(await call('POST', '/v1/sales/nonsense/orders', keyed, '{"quantity":1}')).toMatchObject(
      problem('invalid-id', 400),
    );
    const unknown = '01a1fda1-b549-70ec-997e-b75d3c616a5f';
    expect(await call('POST', `/v1/sales/${unknown}/orders`, keyed, '{"quantity":1}')).toMatchObject(
      problem('sale-not-found', 404),
    );
    expect((await call('POST', path, keyed, '{"quantity":1e0}')).status).toBe(202);
  });

  it('shows an order to its buyer as queued with its place, then as stored, and to nobody else', async () => {
    const saleId = await system.createSale({ stock: 5, perUserLimit: 5 });
    const buyer = someone();
    const as = (name: string, role?: 'admin') => ({ authorization: `Bearer ${system.token(name, role)}` });
    await system.stopRole('worker');
    await order(saleId, buyer, { key: 'first' });
    const { headers, body } = await order(saleId, buyer);
    const path = String(headers.location);

    expect(await call('GET', path, as(buyer))).toMatchObject({
      status: 200,
      body: {
        orderId: body.orderId,
        saleId,
        quantity: 1,
        amountMinor: 1999,
        currency: 'USD',
        status: 'queued',
        acceptedAt: body.acceptedAt,
        expiresAt: null,
        queue: { ahead: expect.any(Number) as unknown, etaSeconds: expect.any(Number) as unknown },
        history: [],
      },
    });
    await system.startPart('worker');
    const stored = await system.untilStored(path, buyer);

    expect(stored).toMatchObject({ status: 'pending_payment', acceptedAt: body.acceptedAt, refund: null });
    expect(Date.parse(String(stored.expiresAt)) - Date.now()).toBeGreaterThan(800_000);
    expect((await call('GET', path, as('operator', 'admin'))).status).toBe(200);
    const foreign = await call('GET', path, as(someone()));
    const unknown = await call('GET', `/v1/sales/${saleId}/orders/${saleId}`, as(buyer));
    expect(foreign).toMatchObject(problem('order-not-found', 404));
    expect({ ...foreign.body, instance: '' }).toEqual({ ...unknown.body, instance: '' });
  });

  it('lists my orders newest first, page by page, with cursors that nobody else can use', async () => {
    const saleId = await system.createSale({ stock: 9, perUserLimit: 9 });
    const buyer = someone();
    const authorization = `Bearer ${system.token(buyer)}`;
    const placed: unknown[] = [];
    for (const key of ['a', 'b', 'c']) placed.unshift((await order(saleId, buyer, { key })).body.orderId);
    await system.untilStored(`/v1/sales/${saleId}/orders/${String(placed[0])}`, buyer);

    const first = await call('GET', '/v1/orders?limit=2', { authorization });
    const second = await call('GET', `/v1/orders?limit=2&cursor=${String(first.body.nextCursor)}`, { authorization });
    const listed = [first, second].flatMap(({ body }) =>
      (body.orders as { orderId: string }[]).map(({ orderId }) => orderId),
    );
    expect(listed).toEqual(placed);
    expect(second.body.nextCursor).toBeNull();

    const foreign = { authorization: `Bearer ${system.token(someone())}` };
    const cursor = String(first.body.nextCursor);
    expect(await call('GET', `/v1/orders?cursor=${cursor}`, foreign)).toMatchObject(problem('invalid-query', 400));
    expect(await call('GET', `/v1/orders?cursor=x${cursor}`, { authorization })).toMatchObject(
      problem('invalid-query', 400),
    );
    for (const limit of ['0', '-1', '101', '1e9', 'x']) {
      expect(await call('GET', `/v1/orders?limit=${limit}`, { authorization })).toMatchObject(
        problem('invalid-query', 400),
      );
    }
  });

  it('shows the sale to everybody, with a weak ETag, and its counters to admins alone', async () => {
    const saleId = await system.createSale({ stock: 3 });
    const { status, headers, body } = await call('GET', `/v1/sales/${saleId}`, {});
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { saleId, status: 'open', stock: { total: 3, available: 3 } },
    });
    expect(headers).toMatchObject({
      etag: expect.stringMatching(/^W\//) as unknown,
      'cache-control': 'public, max-age=1',
    });
    const unchanged = await request(`${system.url}/v1/sales/${saleId}`, {
      headers: { 'if-none-match': String(headers.etag) },
    });
    expect(unchanged.statusCode).toBe(304);

    const admin = `/v1/admin/sales/${saleId}`;
    expect(await call('GET', admin, { authorization: `Bearer ${system.token(someone())}` })).toMatchObject(
      problem('forbidden', 403),
    );
    expect(await system.admin('GET', admin)).toMatchObject({
      counters: { available: 3, held: 0, sold: 0, queued: 0, deadLetters: 0 },
    });
  });

  it.each([
    ['a stock below 0', { stock: -1 }, '/stock'],
    ['a stock above a billion', { stock: 1_000_000_001 }, '/stock'],
    ['an end before the start', { endsAt: '2020-01-01T00:00:00Z' }, '/endsAt'],
    ['a start before the year 2000', { startsAt: '1960-01-01T00:00:00Z' }, '/startsAt'],
    ['an unknown currency', { currency: 'XXQ' }, '/currency'],
    ['a limit above 20', { perUserLimit: 21 }, '/perUserLimit'],
  ])('refuses to create a sale with %s', async (_, wrong, pointer) => {
    const sale = {
      name: 'Mug',
      sku: 'MUG-1',
      priceMinor: 1,
      currency: 'USD',
      stock: 1,
      perUserLimit: 1,
      startsAt: '2026-01-01T00:00:00Z',
      endsAt: '2099-01-01T00:00:00Z',
      ...wrong,
    };
    const headers = {
      authorization: `Bearer ${system.token('operator', 'admin')}`,
      'content-type': 'application/json',
    };
    const answer = await call('POST', '/v1/admin/sales', headers, JSON.stringify(sale));
    expect(answer).toMatchObject(problem('invalid-sale', 422));
    expect(answer.body.errors).toMatchObject([{ pointer }]);
  });
});
