import { request } from 'undici';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/system.js';

const SOON = { withinMs: 20_000 };

interface Order {
  orderId: string;
  status: string;
  paymentUrl: string | null;
  refund: { status: string } | null;
}

describe('paying for an order', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start();
    await system.startPart('simulator');
  }, 60_000);
  afterAll(() => system.close());

  const as = (buyer: string) => ({ authorization: `Bearer ${system.token(buyer)}` });
  const buy = async (saleId: string, buyer: string): Promise<string> => {
    const { statusCode, headers } = await request(`${system.url}/v1/sales/${saleId}/orders`, {
      method: 'POST',
      headers: { ...as(buyer), 'idempotency-key': buyer, 'content-type': 'application/json' },
      body: '{"quantity":1}',
    });
    expect(statusCode).toBe(202);
    return headers.location as string;
  };
  const read = async (path: string, buyer: string): Promise<Order> => {
    const { body } = await request(system.url + path, { headers: as(buyer) });
    return (await body.json()) as Order;
  };
  const until = (path: string, buyer: string, status: string) =>
    eventually(async () => {
      const order = await read(path, buyer);
      return order.status === status && order;
    }, SOON);
  const paymentPage = (path: string, buyer: string) =>
    eventually(async () => (await read(path, buyer)).paymentUrl ?? false, SOON);
  const press = async (page: string, button: 'approve' | 'decline') => {
    const { statusCode, body } = await request(`${page}/${button}`, { method: 'POST' });
    await body.dump();
    expect(statusCode).toBeLessThan(400);
  };
  const cancel = async (path: string, buyer: string) => {
    const { statusCode, body } = await request(`${system.url}${path}/cancel`, { method: 'POST', headers: as(buyer) });
    return { statusCode, body: (await body.json()) as Order & { type: string } };
  };

  it('a buyer buys, approves on the page of the gateway, and the order is paid and worth points', async () => {
    const saleId = await system.createSale({ stock: 1 });
    const order = await buy(saleId, 'ann');
    await press(await paymentPage(order, 'ann'), 'approve');

    expect(await until(order, 'ann', 'paid')).toMatchObject({
      paymentUrl: null,
      refund: null,
      history: [{ status: 'pending_payment' }, { status: 'paid' }],
    });
    await eventually(async () => {
      const { body } = await request(`${system.url}/v1/rewards`, { headers: as('ann') });
      expect(await body.json()).toMatchObject({ points: 19, rewards: [{ saleId, points: 19 }] });
    }, SOON);
    expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, postgres: { paid: 1 } });
    expect(await cancel(order, 'ann')).toMatchObject({ statusCode: 409, body: { type: '/problems/order-final' } });
  });

  it('a declined card leaves the order pending, and the next one pays it', async () => {
    const saleId = await system.createSale({ stock: 1 });
    const order = await buy(saleId, 'bob');
    const page = await paymentPage(order, 'bob');
    await press(page, 'decline');
    expect((await read(order, 'bob')).status).toBe('pending_payment');
    await press(page, 'approve');
    await until(order, 'bob', 'paid');
  });

  it('an order that is not paid in time expires, its unit is sold to the next buyer, and late money goes back', async () => {
    const saleId = await system.createSale({ stock: 1, paymentWindowSeconds: 1 });
    const order = await buy(saleId, 'cid');
    const page = await paymentPage(order, 'cid');
    await until(order, 'cid', 'expired');
    const next = await eventually(() => buy(saleId, 'dan'), SOON);
    await press(page, 'approve');

    const { refund, status } = await eventually(async () => {
      const late = await read(order, 'cid');
      return late.refund?.status === 'done' && late;
    }, SOON);
    expect({ refund, status }).toEqual({ refund: { status: 'done' }, status: 'expired' });
    await until(next, 'dan', 'expired');
    await eventually(async () => {
      const { consistent, postgres } = await system.quiescentAudit(saleId);
      expect({ consistent, ...postgres }).toMatchObject({ consistent: true, givenBack: 2 });
    }, SOON);
  });

  it('a buyer cancels, may say it again, and the unit is on sale again', async () => {
    const saleId = await system.createSale({ stock: 1 });
    const order = await buy(saleId, 'eve');
    await until(order, 'eve', 'pending_payment');
    expect(await cancel(order, 'eve')).toMatchObject({ statusCode: 202, body: { status: 'cancelled' } });
    expect(await cancel(order, 'eve')).toMatchObject({ statusCode: 202, body: { status: 'cancelled' } });
    await eventually(() => buy(saleId, 'fay'), SOON);
  });

  it('nobody cancels the order of another, nor one that does not exist, nor one that has expired', async () => {
    const saleId = await system.createSale({ stock: 1, paymentWindowSeconds: 1 });
    const order = await buy(saleId, 'gus');
    await until(order, 'gus', 'pending_payment');
    const unknown = `/v1/sales/${saleId}/orders/${saleId}`;
    for (const path of [order, unknown]) {
      expect(await cancel(path, 'mallory')).toMatchObject({
        statusCode: 404,
        body: { type: '/problems/order-not-found' },
      });
    }
    await until(order, 'gus', 'expired');
    expect(await cancel(order, 'gus')).toMatchObject({ statusCode: 409, body: { type: '/problems/order-final' } });
  });

  it('an order that is not stored yet cannot be cancelled yet, and says when to ask again', async () => {
    const saleId = await system.createSale({ stock: 1 });
    await system.stopRole('worker');
    const order = await buy(saleId, 'hal');
    const { statusCode, headers, body } = await request(`${system.url}${order}/cancel`, {
      method: 'POST',
      headers: as('hal'),
    });
    expect([statusCode, headers['retry-after'], ((await body.json()) as { type: string }).type]).toEqual([
      409,
      '1',
      '/problems/order-queued',
    ]);
    await system.startPart('worker');
    await until(order, 'hal', 'pending_payment');
    expect((await cancel(order, 'hal')).statusCode).toBe(202);
  }, 60_000);
});
