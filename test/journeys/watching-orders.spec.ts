import { placeOrder } from '../support/crowd.js';
import { EventClient } from '../support/event-client.js';
import { eventually } from '../support/eventually.js';
import { query } from '../support/stores.js';
import { TestSystem } from '../support/system.js';

const PUSHED_WITHIN = { withinMs: 2_000 };
const SWEPT_WITHIN = { withinMs: 6_000 };
const STREAMS_PER_BUYER = 10;

describe('watching an order over HTTP', () => {
  let system: TestSystem;
  let saleId: string;
  beforeAll(async () => {
    system = await TestSystem.start();
    saleId = await system.createSale({ stock: 1_000 });
  }, 60_000);
  afterAll(() => system.close());

  let serial = 0;
  const someone = () => `buyer-${(serial += 1)}`;

  /** @returns its path. */
  async function order(buyer: string): Promise<string> {
    const headers = {
      authorization: `Bearer ${system.token(buyer)}`,
      'idempotency-key': 'key-1',
      'content-type': 'application/json',
    };
    const { status, body } = await placeOrder(system, saleId, headers);
    expect(status).toBe(202);
    return `/v1/sales/${saleId}/orders/${String(body.orderId)}`;
  }

  /** The answer is held against the document; a refusal as a whole, a stream as it begins. */
  async function watch(path: string, buyer: string): Promise<EventClient> {
    const client = await EventClient.open(`${system.url}${path}/events`, system.token(buyer));
    const status = client.status ?? 0;
    if (status !== 200) await eventually(() => client.hasEnded, PUSHED_WITHIN);
    const headers = client.headers as Record<string, string>;
    system.answers.check({ method: 'GET', path: `${path}/events`, status, headers, body: client.text });
    return client;
  }

  it('shows the buyer each step of the order as it happens, until it is cancelled', async () => {
    const buyer = someone();
    system.pauseRole('worker');
    const path = await order(buyer);
    const client = await watch(path, buyer);
    await eventually(() => client.statuses.length > 0, PUSHED_WITHIN);
    expect(client.orders[0]).toMatchObject({ status: 'queued', queue: { ahead: expect.any(Number) } });

    system.resumeRole('worker');
    await eventually(() => client.statuses.includes('pending_payment'), PUSHED_WITHIN);
    const authorization = `Bearer ${system.token(buyer)}`;
    const { body } = await system.http.request({ method: 'POST', path: `${path}/cancel`, headers: { authorization } });
    await body.dump();
    await eventually(() => client.hasEnded, PUSHED_WITHIN);
    expect([...new Set(client.statuses)]).toEqual(['queued', 'pending_payment', 'cancelled']);
    for (const shown of client.orders) {
      expect(system.answers.api.mistakeAt(['components', 'schemas', 'Order'], shown)).toBeUndefined();
    }
  });

  it('shows what nobody announced, within the time of a sweep', async () => {
    const buyer = someone();
    const path = await order(buyer);
    const client = await watch(path, buyer);
    await eventually(() => client.statuses.includes('pending_payment'), SWEPT_WITHIN);
    await query(
      system.databaseUrl,
      `WITH gone AS (UPDATE orders SET status = 'expired', finished_at = now() WHERE order_id = $1
                     RETURNING sale_id, lane, quantity)
       UPDATE sale_lanes SET held = held - gone.quantity FROM gone
       WHERE sale_lanes.sale_id = gone.sale_id AND sale_lanes.lane = gone.lane`,
      [path.split('/').pop()],
    );
    await eventually(() => client.hasEnded, SWEPT_WITHIN);
    expect(client.statuses.at(-1)).toBe('expired');
  });

  it("answers 404 about another buyer's order, and 429 for a stream too many", async () => {
    const buyer = someone();
    const path = await order(buyer);
    expect((await watch(path, someone())).status).toBe(404);

    const clients = await Promise.all(Array.from({ length: STREAMS_PER_BUYER }, () => watch(path, buyer)));
    expect(clients.map(({ status }) => status)).toEqual(clients.map(() => 200));
    expect((await watch(path, buyer)).status).toBe(429);
    for (const client of clients) client.close();
    await eventually(async () => {
      const again = await watch(path, buyer);
      again.close();
      return again.status === 200;
    }, PUSHED_WITHIN);
  });

  it('ends a thousand streams when the API is stopped, and exits with 0', async () => {
    const buyers = Array.from({ length: 100 }, someone);
    const clients = await Promise.all(
      buyers.map(async (buyer) => {
        const path = await order(buyer);
        return Promise.all(Array.from({ length: STREAMS_PER_BUYER }, () => watch(path, buyer)));
      }),
    );
    const all = clients.flat();
    await eventually(() => all.every(({ statuses }) => statuses.length > 0), SWEPT_WITHIN);
    expect(await system.stopRole('api')).toBe(0);
    await eventually(() => all.every(({ hasEnded }) => hasEnded), PUSHED_WITHIN);
  });
});
