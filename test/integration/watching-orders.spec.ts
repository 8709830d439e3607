import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { crc32 } from 'node:zlib';
import { Registry } from 'prom-client';
import { LaneWatch } from '../../src/order-stream/lane-watch.js';
import { OrderStreams } from '../../src/order-stream/order-streams.js';
import { EventSlots } from '../../src/orders/event-slots.js';
import { EventStream } from '../../src/orders/event-stream.js';
import { OrderChanges } from '../../src/orders/order-changes.js';
import { OrderEvents, type Viewer } from '../../src/orders/order-events.js';
import { OrderEventsRoute } from '../../src/orders/order-events-route.js';
import { OrderReader } from '../../src/orders/order-reader.js';
import { SaleTermsReader } from '../../src/orders/sale-terms.js';
import { signToken, TokenVerifier } from '../../src/platform/http/access-token.js';
import { createHttpAdapter, type HttpAdapter } from '../../src/platform/http/http-adapter.js';
import { connectRedis } from '../../src/platform/redis/connect.js';
import type { ReserveRequest } from '../../src/stock/decision.js';
import { aRequest, Corner } from '../support/corner.js';
import { EventClient } from '../support/event-client.js';
import { eventually } from '../support/eventually.js';
import { StockInACorner } from '../support/stock-in-a-corner.js';

const SECRET = 'a secret of the tests that is long enough';
const WITHIN = { withinMs: 10_000 };

describe('watching orders', () => {
  let corner: Corner;
  let saleId: string;
  let changes: OrderChanges;
  let watch: LaneWatch;
  let reader: OrderReader;
  let events: OrderEvents;
  let subscriber: ReturnType<typeof connectRedis>;
  let adapter: HttpAdapter;

  beforeEach(async () => {
    corner = await Corner.open();
    saleId = await corner.sale({ stock: 1_000 });
    changes = new OrderChanges(corner.redis);
    watch = new LaneWatch(corner.gate, new OrderStreams([[corner.lane, corner.stream]]), new Registry());
    const stockLanes = crc32(saleId) - corner.lane; // so many that the sale is in this lane: see lane-of.ts
    reader = new OrderReader(corner.pool, corner.stock, new SaleTermsReader(corner.pool), watch, stockLanes);
    subscriber = connectRedis(corner.redisUrl, { name: 'test-watching', onError: () => undefined });
    await once(subscriber, 'ready');
    events = new OrderEvents(reader, subscriber);
  });
  afterEach(async () => {
    subscriber.disconnect();
    await corner.close();
  });

  const token = (sub: string, role?: 'admin') => signToken(SECRET, { sub, role, ttlSeconds: 60 });

  async function accept(count: number): Promise<ReserveRequest[]> {
    const requests = Array.from({ length: count }, () => aRequest());
    for (let from = 0; from < count; from += 500) {
      await corner.stock.reserve(corner.lane, saleId, { requests: requests.slice(from, from + 500) });
    }
    return requests;
  }

  async function store(): Promise<void> {
    const worker = corner.worker();
    while ((await worker.runOnce()) > 0);
  }

  async function anOrder(): Promise<ReserveRequest> {
    const [order] = (await accept(1)) as [ReserveRequest];
    await store();
    return order;
  }

  /** Somebody who looks at it, without HTTP between. */
  function aViewer({ buyer, orderId }: ReserveRequest) {
    const shown: unknown[] = [];
    const viewer: Viewer = {
      asker: { subject: buyer, role: 'buyer' },
      saleId,
      orderId,
      show: ({ status }) => shown.push(status),
      end: () => shown.push('end'),
    };
    return { viewer, shown };
  }

  async function serve({ perBuyerMax = 10, inAllMax = 1_000, heartbeatMs = 60_000 } = {}): Promise<void> {
    adapter = createHttpAdapter({
      tokens: new TokenVerifier({ secrets: [SECRET] }),
      reportBug: console.error,
      drainMs: 0,
    });
    const slots = new EventSlots({ perBuyerMax: () => perBuyerMax, inAllMax: () => inAllMax });
    const route = new OrderEventsRoute(events, slots, heartbeatMs);
    route.register(adapter.getInstance(), adapter.draining);
    await adapter.getInstance().listen({ port: 0, host: '127.0.0.1' });
  }

  /** As Nest does it. */
  async function stop(): Promise<void> {
    adapter.beforeClose();
    await adapter.close();
  }

  const port = () => (adapter.getInstance().server.address() as AddressInfo).port;
  const path = (orderId: string) => `/v1/sales/${saleId}/orders/${orderId}/events`;
  const open = ({ buyer, orderId }: ReserveRequest, method?: string) =>
    EventClient.open(`http://127.0.0.1:${port()}${path(orderId)}`, token(buyer), method);
  const expire = ({ orderId }: ReserveRequest) => corner.expire(saleId, orderId).then(() => changes.publish([orderId]));

  it('reads a thousand orders for as many viewers with a handful of queries, when they come and when all change', async () => {
    const orders = await accept(1_000);
    await store();
    const query = jest.spyOn(corner.pool, 'query');
    const viewers = orders.map(aViewer);
    await Promise.all(viewers.map(({ viewer }) => events.join(viewer)));
    const toOpen = query.mock.calls.length;

    const cancelAll = `UPDATE orders SET status = 'cancelled', finished_at = now() WHERE sale_id = $1`;
    await corner.pool.query(cancelAll, [saleId]);
    changes.publish(orders.map(({ orderId }) => orderId));
    await eventually(() => viewers.every(({ shown }) => shown.length === 1 && shown[0] === 'cancelled'), WITHIN);
    const toChange = query.mock.calls.length - toOpen - 1;
    expect([toOpen, toChange].map((queries) => queries > 0 && queries <= 5)).toEqual([true, true]);
  });

  it('shows at the next sweep what nobody was told', async () => {
    const order = await anOrder();
    const { viewer, shown } = aViewer(order);
    await events.join(viewer);
    await corner.expire(saleId, order.orderId);
    expect(shown).toEqual([]);
    await events.runOnce();
    expect(shown).toEqual(['expired']);
  });

  it('listens before it reads, so that nothing is missed between the two', async () => {
    const { viewer } = aViewer(await anOrder());
    const readStored = reader.readStored.bind(reader);
    const reading = jest.spyOn(reader, 'readStored').mockImplementation((asked) => {
      expect(subscriber.mode).toBe('subscriber');
      return readStored(asked);
    });
    await events.join(viewer);
    expect(reading).toHaveBeenCalledTimes(1);
  });

  it('hears of changes again after its connection was lost, and not while nobody looks', async () => {
    const listeners = async () => (await corner.redis.pubsub('NUMSUB', 'order-changes'))[1];
    const before = await listeners();
    const order = await anOrder();
    const { viewer, shown } = aViewer(order);
    await events.join(viewer);
    expect(await listeners()).toBe(Number(before) + 1);

    const clients = String(await corner.redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
    const [, id] = /id=(\d+) .*name=test-watching /.exec(clients) ?? [];
    await corner.redis.client('KILL', 'ID', Number(id));
    await eventually(async () => (await listeners()) === before, WITHIN);
    await eventually(async () => (await listeners()) === Number(before) + 1, WITHIN);
    await expire(order);
    await eventually(() => shown.includes('expired'), WITHIN);

    events.leave(viewer);
    await events.runOnce();
    await eventually(async () => (await listeners()) === before, WITHIN);
  });

  describe('an order that waits to be stored', () => {
    it('is shown with its place as that moves, without asking Redis again, and then as it is stored', async () => {
      const [, order] = (await accept(2)) as [ReserveRequest, ReserveRequest];
      await watch.runOnce();
      await serve();
      const client = await open(order);
      await eventually(() => client.orders.length === 1, WITHIN);
      expect(client.orders[0]).toMatchObject({ status: 'queued', queue: { ahead: 1 } });

      const asked = jest.spyOn(corner.stock, 'findOrder');
      await corner.worker(undefined, { batchMax: () => 1 }).runOnce();
      await watch.runOnce();
      await events.runOnce();
      await events.runOnce();
      await eventually(() => client.orders.length === 2, WITHIN);
      expect(client.orders[1]).toMatchObject({ status: 'queued', queue: { ahead: 0 } });
      expect(asked).not.toHaveBeenCalled();

      await store();
      await eventually(() => client.orders.length === 3, WITHIN);
      expect(client.orders[2]).toMatchObject({ status: 'pending_payment', orderId: order.orderId });
      client.close();
      await stop();
    });

    it('ends its stream when the lane was rebuilt without it', async () => {
      const [order] = (await accept(1)) as [ReserveRequest];
      await watch.runOnce();
      const { viewer, shown } = aViewer(order);
      expect(await events.join(viewer)).toMatchObject({ status: 'queued' });

      await corner.redis.del(corner.saleKeys(saleId).buyers);
      await corner.redis.xtrim(corner.keys.orders, 'MAXLEN', 0);
      await new StockInACorner(corner).rebuild();
      await watch.runOnce();
      await events.runOnce();
      expect(shown).toEqual(['end']);
    });
  });

  describe('over HTTP', () => {
    afterEach(() => stop());

    it('begins with the order as it is, sends each change once, and ends with the final status', async () => {
      const order = await anOrder();
      await serve({ heartbeatMs: 50 });
      const client = await open(order);
      await eventually(() => client.text.includes('\n: \n\n'), WITHIN);
      changes.publish([order.orderId]);
      await events.runOnce();
      await expire(order);
      await eventually(() => client.hasEnded, WITHIN);

      expect(client.status).toBe(200);
      expect(client.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-request-id': expect.any(String),
      });
      expect(client.text).toMatch(/^retry: 2000\n\nevent: order\n/);
      expect(client.statuses).toEqual(['pending_payment', 'expired']);

      const late = await open(order);
      await eventually(() => late.hasEnded, WITHIN);
      expect(late.statuses).toEqual(['expired']);
    });

    it("answers about somebody else's order as about one that does not exist, and shows an admin all", async () => {
      const order = await anOrder();
      await serve();
      const stranger = await open({ ...order, buyer: 'a-stranger' });
      const unknown = await open({ ...order, orderId: '00000000-0000-7000-8000-000000000000' });
      const malformed = await open({ ...order, orderId: 'x' });
      await eventually(() => stranger.hasEnded && unknown.hasEnded, WITHIN);
      expect([stranger, unknown, malformed].map(({ status }) => status)).toEqual([404, 404, 400]);
      const body = (client: EventClient) => client.text.replace(/"instance":.*/, '');
      expect(body(stranger)).toBe(body(unknown));

      const admin = await EventClient.open(`http://127.0.0.1:${port()}${path(order.orderId)}`, token('ann', 'admin'));
      await eventually(() => admin.orders.length === 1, WITHIN);
      admin.close();
    });

    it('refuses the stream that is one too many, for a buyer and in all, until another one is closed', async () => {
      const [order, other] = [await anOrder(), await anOrder()];
      await serve({ perBuyerMax: 2, inAllMax: 3 });
      const unknown = { ...order, orderId: other.orderId };
      for (let attempt = 0; attempt < 3; attempt += 1) expect((await open(unknown)).status).toBe(404);
      const [first] = [await open(order), await open(order), await open(other)];

      const refused = await open(order);
      expect([refused.status, refused.headers['retry-after']]).toEqual([429, '5']);
      await eventually(() => refused.text.includes('/problems/too-many-streams'), WITHIN);
      const overload = await open(other);
      expect([overload.status, overload.headers['retry-after']]).toEqual([503, '5']);
      await eventually(() => overload.text.includes('/problems/overloaded'), WITHIN);

      first.close();
      await eventually(async () => (await open(order)).status === 200, WITHIN);
      expect((await open(order)).status).toBe(429);

      await expire(order); // its streams end by themselves
      await eventually(async () => (await open(other)).status === 200, WITHIN);
    });

    it('counts no refusal and no stream any more that waited behind another answer of a lost connection', async () => {
      const [order, other] = [await anOrder(), await anOrder()];
      await serve({ heartbeatMs: 50 });
      const left = jest.spyOn(events, 'leave');
      const bytes = ({ buyer, orderId }: ReserveRequest) =>
        `GET ${path(orderId)} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token(buyer)}\r\n\r\n`;
      const socket = connect(port(), '127.0.0.1').on('error', () => undefined);
      socket.write(bytes(order) + bytes({ ...order, orderId: other.orderId }) + bytes(other));
      await eventually(() => left.mock.calls.length === 1, WITHIN);
      socket.destroy();
      await eventually(() => left.mock.calls.length === 3, WITHIN);
    });

    it('opens nothing for HEAD', async () => {
      await serve();
      const head = await open(await anOrder(), 'HEAD');
      expect([head.status, head.headers.allow]).toEqual([405, 'GET']);
    });

    it('ends all streams as soon as the process begins to stop', async () => {
      const orders = [await anOrder(), await anOrder()];
      await serve();
      const clients = await Promise.all(orders.map((order) => open(order)));
      await eventually(() => clients.every(({ statuses }) => statuses.length === 1), WITHIN);
      adapter.startDraining();
      await eventually(() => clients.every(({ hasEnded }) => hasEnded), WITHIN);
      expect((await open(orders[0] as ReserveRequest)).status).toBe(503);
    });
  });

  describe('a client that never reads', () => {
    /** More than the kernel takes for a client that does not read. */
    const MUCH = 'x'.repeat(16 * 1024 * 1024);

    async function openUnread(heartbeatMs: number) {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
      client.pause();
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const [, answer] = (await once(server, 'request')) as [unknown, ServerResponse];
      const onClose = jest.fn(() => [server.close(), client.destroy()]);
      const stream = new EventStream(answer, heartbeatMs, onClose);
      stream.open({});
      return { stream, answer, onClose };
    }

    it('is cut off when too much waits for it', async () => {
      const { stream, answer, onClose } = await openUnread(60_000);
      stream.send('order', { MUCH });
      const waiting = answer.writableLength;
      for (let serial = 0; serial < 100; serial += 1) stream.send('order', { serial });
      expect(answer.req.socket.destroyed).toBe(true);
      expect(answer.writableLength).toBeLessThanOrEqual(waiting);
      await eventually(() => answer.closed, WITHIN);
      expect(onClose).toHaveBeenCalledTimes(1);
    });

    it('is cut off when a heartbeat finds that the one before has not left', async () => {
      const { stream, answer, onClose } = await openUnread(50);
      stream.send('order', { MUCH });
      await eventually(() => answer.req.socket.destroyed, WITHIN);
      expect(onClose).toHaveBeenCalledTimes(1);
    });
  });
});
