import { request } from 'undici';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/system.js';

const UNKNOWN = '01a1fda1-b549-70ec-997e-b75d3c616a5f';
const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toISOString();
const SOON = { withinMs: 10_000 };

interface Reply {
  status: number;
  etag: string | undefined;
  body: Record<string, unknown>;
}

describe('changing a sale over HTTP', () => {
  let system: TestSystem;
  beforeAll(async () => (system = await TestSystem.start()), 60_000);
  afterAll(() => system.close());

  async function call(method: 'GET' | 'POST' | 'PATCH', path: string, wishes: Wishes = {}): Promise<Reply> {
    const { body, headers = {}, sub = 'operator', role = 'admin' } = wishes;
    const response = await request(system.url + path, {
      method,
      headers: {
        authorization: `Bearer ${system.token(sub, role === 'admin' ? 'admin' : undefined)}`,
        ...(method !== 'GET' && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = (await response.body.json()) as Reply['body'];
    return { status: response.statusCode, etag: response.headers.etag as string | undefined, body: answer };
  }
  interface Wishes {
    body?: unknown;
    headers?: Record<string, string>;
    sub?: string;
    role?: 'admin' | 'buyer';
  }

  const path = (saleId: string) => `/v1/admin/sales/${saleId}`;
  const etagOf = async (saleId: string) => (await call('GET', path(saleId))).etag ?? '';
  const change = async (saleId: string, body: unknown, ifMatch?: string) =>
    call('PATCH', path(saleId), { body, headers: { 'if-match': ifMatch ?? (await etagOf(saleId)) } });
  const buy = (saleId: string, { sub, quantity = 1 }: { sub: string; quantity?: number }) =>
    call('POST', `/v1/sales/${saleId}/orders`, {
      body: { quantity },
      headers: { 'idempotency-key': 'key' },
      sub,
      role: 'buyer',
    });

  const problem = (slug: string, status: number, pointer?: string) => ({
    status,
    body: expect.objectContaining({
      type: `/problems/${slug}`,
      ...(pointer !== undefined && { errors: [{ pointer, detail: expect.any(String) as unknown }] }),
    }) as unknown,
  });

  it('answers with the sale as it is now, and its new ETag', async () => {
    const saleId = await system.createSale({ stock: 5 });
    const before = await etagOf(saleId);

    const changed = await change(saleId, { name: 'Second edition', endsAt: IN_AN_HOUR }, before);

    expect(changed).toMatchObject({ status: 200, body: { saleId, name: 'Second edition', endsAt: IN_AN_HOUR } });
    expect(changed.etag).not.toBe(before);
    expect(await etagOf(saleId)).toBe(changed.etag);
    const shown = async () => ((await system.get(`/v1/sales/${saleId}`)) as { name: string }).name;
    await eventually(async () => (await shown()) === 'Second edition', SOON); // what is public may be a second old
  });

  it('is in force in Redis when it has answered: one who may have less is refused', async () => {
    const saleId = await system.createSale({ stock: 5, perUserLimit: 3 });
    expect(await buy(saleId, { sub: 'ann', quantity: 2 })).toMatchObject({ status: 202 });

    expect(await change(saleId, { perUserLimit: 1, maxPerOrder: 1 })).toMatchObject({ status: 200 });

    expect(await buy(saleId, { sub: 'ben' })).toMatchObject({ status: 202 });
    const again = await call('POST', `/v1/sales/${saleId}/orders`, {
      body: { quantity: 1 },
      headers: { 'idempotency-key': 'another' },
      sub: 'ben',
      role: 'buyer',
    });
    expect(again).toMatchObject(problem('user-limit', 409));
  });

  it('reaches every process that takes orders, within two looks at Postgres', async () => {
    const saleId = await system.createSale({ stock: 50, perUserLimit: 5, maxPerOrder: 1 });
    expect(await buy(saleId, { sub: 'early', quantity: 2 })).toMatchObject(problem('invalid-field', 400, '/quantity'));

    await change(saleId, { maxPerOrder: 2 });

    let buyers = 0;
    await eventually(async () => (await buy(saleId, { sub: `b${(buyers += 1)}`, quantity: 2 })).status === 202, SOON);
  });

  it('lets price and currency change only until the sale is on sale', async () => {
    const saleId = await system.createSale({ stock: 5 });
    expect(await change(saleId, { priceMinor: 1 })).toMatchObject(problem('sale-loaded', 409));
    expect(await change(saleId, { currency: 'EUR' })).toMatchObject(problem('sale-loaded', 409));
    expect(await change(saleId, { priceMinor: 1999, currency: 'USD', name: 'Same price' })).toMatchObject({
      status: 200,
      body: { name: 'Same price', priceMinor: 1999 },
    });
  });

  it('refuses without the version that is to be changed, and for one that somebody else has changed', async () => {
    const saleId = await system.createSale({ stock: 5 });
    const read = await etagOf(saleId);
    expect(await call('PATCH', path(saleId), { body: { name: 'x' } })).toMatchObject(
      problem('precondition-required', 428),
    );
    expect(await change(saleId, { name: 'first' }, read)).toMatchObject({ status: 200 });
    for (const stale of [read, `W/${await etagOf(saleId)}`, '"99"', 'nonsense', '']) {
      expect(await change(saleId, { name: 'second' }, stale)).toMatchObject(problem('precondition-failed', 412));
    }
    expect(await change(saleId, { name: 'listed' }, `"99", ${await etagOf(saleId)}`)).toMatchObject({ status: 200 });
    expect(await change(saleId, { name: 'any' }, '*')).toMatchObject({ status: 200, body: { name: 'any' } });
  });

  it('carries out one of two changes of the same version', async () => {
    const saleId = await system.createSale({ stock: 5 });
    const read = await etagOf(saleId);
    const both = await Promise.all(['one', 'other'].map((name) => change(saleId, { name }, read)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it('names what is wrong', async () => {
    const saleId = await system.createSale({ stock: 5, perUserLimit: 2 });
    const read = await etagOf(saleId);
    expect(await change(saleId, { stock: 9 })).toMatchObject(problem('unknown-field', 400, '/stock'));
    expect(await change(saleId, { lanes: 1 })).toMatchObject(problem('unknown-field', 400, '/lanes'));
    for (const priceMinor of ['1', 1.5, null]) {
      expect(await change(saleId, { priceMinor })).toMatchObject(problem('invalid-field', 400, '/priceMinor'));
    }
    expect(await change(saleId, [])).toMatchObject(problem('invalid-body', 400));
    expect(await change(saleId, { perUserLimit: 21 })).toMatchObject(problem('invalid-sale', 422, '/perUserLimit'));
    expect(await change(saleId, { maxPerOrder: 3 })).toMatchObject(problem('invalid-sale', 422, '/maxPerOrder'));
    expect(await change(saleId, { endsAt: '2001-01-01T00:00:00Z' })).toMatchObject(
      problem('invalid-sale', 422, '/endsAt'),
    );
    expect(await change(UNKNOWN, { name: 'x' }, '*')).toMatchObject(problem('sale-not-found', 404));
    expect(await call('PATCH', path(saleId), { body: {}, role: 'buyer' })).toMatchObject(problem('forbidden', 403));
    expect(await etagOf(saleId)).toBe(read);
  });
});
