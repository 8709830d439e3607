import { request } from 'undici';
import { placeOrder } from '../support/crowd.js';
import { EventClient } from '../support/event-client.js';
import { eventually } from '../support/eventually.js';
import { query } from '../support/stores.js';
import { TestSystem } from '../support/system.js';

/** The promise. */
const EVERYWHERE_WITHIN = { withinMs: 1_000 };
const SOON = { withinMs: 10_000 };

interface Setting {
  name: string;
  value: unknown;
  default: unknown;
  changedAt: string | null;
  changedBy: string | null;
}

describe('changing settings over HTTP', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start();
    await system.startPart('simulator');
  }, 60_000);
  afterAll(() => system.close());

  async function call(method: 'GET' | 'PUT', path: string, body?: unknown, role: 'admin' | 'buyer' = 'admin') {
    const token = system.token('operator', role === 'admin' ? role : undefined);
    const response = await request(`${system.url}/v1/admin/settings${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.statusCode, body: (await response.body.json()) as Record<string, unknown> };
  }
  const put = (name: string, value: unknown) => call('PUT', `/${name}`, { value });
  const shown = async (name: string) => {
    const { settings } = (await call('GET', '')).body as unknown as { settings: Setting[] };
    return settings.find((setting) => setting.name === name);
  };

  const problem = (slug: string, status: number, pointer?: string) => ({
    status,
    body: expect.objectContaining({
      type: `/problems/${slug}`,
      ...(pointer === undefined ? {} : { errors: [{ pointer, detail: expect.any(String) }] }),
    }),
  });

  it('lists every setting with what it is now, by default, and who has changed it', async () => {
    const { status, body } = await call('GET', '');
    expect(status).toBe(200);
    expect(body.settings).toContainEqual({
      name: 'gateway-walk-after-seconds',
      value: 60,
      default: 60,
      unit: 's',
      description: 'How often the charges of the gateway are compared with ours',
      changedAt: null,
      changedBy: null,
    });
  });

  it('is in force in the API at once', async () => {
    const saleId = await system.createSale({ stock: 10 });
    const authorization = `Bearer ${system.token('alice')}`;
    const headers = { authorization, 'idempotency-key': 'key-1', 'content-type': 'application/json' };
    const { body } = await placeOrder(system, saleId, headers);
    const url = `${system.url}/v1/sales/${saleId}/orders/${String(body.orderId)}/events`;
    const first = await EventClient.open(url, system.token('alice'));
    expect(first.status).toBe(200);

    expect(await put('event-streams-per-buyer', 1)).toMatchObject({ status: 200, body: { value: 1, default: 10 } });

    const second = await EventClient.open(url, system.token('alice'));
    expect(second.status).toBe(429);
    await put('event-streams-per-buyer', null);
    const third = await EventClient.open(url, system.token('alice'));
    expect(third.status).toBe(200);
    for (const client of [first, second, third]) client.close();
  });

  it('is in force in the worker within a second, without a restart', async () => {
    const walkedUntil = async () => {
      const rows = await query<{ at: string }>(
        system.databaseUrl,
        'SELECT walked_until::text AS at FROM gateway_walks',
      );
      return rows[0]?.at;
    };
    const first = await eventually(async () => (await walkedUntil()) ?? false, SOON);

    await put('gateway-walk-after-seconds', 1);

    await eventually(async () => (await walkedUntil()) !== first, EVERYWHERE_WITHIN);
    await put('gateway-walk-after-seconds', null);
  });

  it('is kept over a restart, noted with who did it, and undone with null', async () => {
    await put('audit-after-seconds', 1_234);
    await system.stopRole('api');
    await system.startPart('api');
    expect(await shown('audit-after-seconds')).toMatchObject({ value: 1_234, default: 300, changedBy: 'operator' });
    expect(
      await query(system.databaseUrl, `SELECT actor, detail FROM admin_actions WHERE subject = 'audit-after-seconds'`),
    ).toEqual([{ actor: 'operator', detail: { old: 300, new: 1_234, isOverridden: true } }]);
    expect(await put('audit-after-seconds', null)).toMatchObject({
      status: 200,
      body: { value: 300, changedBy: null },
    });
  });

  it('stays as it was while Postgres is away, and can be changed when it is back', async () => {
    await put('audit-after-seconds', 1_000);
    await system.killPart('postgres');
    expect(await put('audit-after-seconds', 2_000)).toMatchObject(problem('outcome-unknown', 503));
    expect(await shown('audit-after-seconds')).toMatchObject({ value: 1_000 });
    await system.startPart('postgres');
    await eventually(async () => (await put('audit-after-seconds', 2_000)).status === 200, SOON);
    expect(await shown('audit-after-seconds')).toMatchObject({ value: 2_000 });
    await put('audit-after-seconds', null);
  });

  it('is the business of admins', async () => {
    expect(await call('GET', '', undefined, 'buyer')).toMatchObject(problem('forbidden', 403));
    expect(await call('PUT', '/log-level', { value: 'warn' }, 'buyer')).toMatchObject(problem('forbidden', 403));
  });

  it('refuses a name that it does not know', async () => {
    expect(await put('jwt-secret', 'x')).toMatchObject(problem('setting-not-found', 404));
    expect(await put('PORT', 1)).toMatchObject(problem('setting-not-found', 404));
  });

  it.each([
    ['another type', { value: '10' }, 'invalid-field', '/value'],
    ['a value out of bounds', { value: 0 }, 'invalid-field', '/value'],
    ['true', { value: true }, 'invalid-field', '/value'],
    ['a list', { value: [1] }, 'invalid-field', '/value'],
    ['no value', {}, 'invalid-field', '/value'],
    ['another field', { value: 1, name: 'x' }, 'unknown-field', '/name'],
    ['no object', [], 'invalid-body', undefined],
  ])('refuses %s', async (_, body, slug, pointer) => {
    expect(await call('PUT', '/audit-after-seconds', body)).toMatchObject(problem(slug, 400, pointer));
  });

  it('refuses what contradicts another setting, and names that one', async () => {
    const { body } = await put('event-streams-max', 9);
    expect(body).toMatchObject({
      type: '/problems/invalid-field',
      errors: [{ pointer: '/value', detail: 'event-streams-per-buyer must not be more than event-streams-max' }],
    });
  });
});
