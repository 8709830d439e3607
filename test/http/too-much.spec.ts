import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { leaveWorkInHand } from '../../src/platform/http/work-in-hand.js';
import { BuyerRates } from '../../src/platform/http/buyer-rates.js';
import { ask, orderBytes, Wire } from './client.js';
import { ADMIN, BUYER, startTinyApp, type TinyApp } from './tiny-app.js';

const NO_LIMITS = { requestsMax: 1_000, bytesMax: 1_000_000, connectionsMax: 1_000 };

const overloaded = {
  status: 503,
  headers: expect.objectContaining({
    'retry-after': '1',
    'x-request-id': expect.any(String) as unknown,
    'content-type': 'application/problem+json; charset=utf-8',
  }) as unknown,
  json: expect.objectContaining({ type: '/problems/overloaded', status: 503 }) as unknown,
};

describe('a process that has as much as it can take', () => {
  let app: TinyApp;
  afterEach(() => app.close());

  const start = async (limits: Partial<typeof NO_LIMITS>) =>
    (app = await startTinyApp({ closeGraceMs: 1_000, limits: { ...NO_LIMITS, ...limits } }));
  const order = () => ({
    method: 'POST',
    headers: { authorization: BUYER, 'content-type': 'application/json' },
    body: '{"quantity":1}',
  });

  it('refuses the next request at once, on a connection that goes on, and takes it when another is answered', async () => {
    const { till, url, port } = await start({ requestsMax: 2 });
    const release = till.hold();
    const both = [ask(`${url}/things/1/orders`, order()), ask(`${url}/things/1/orders`, order())];
    await till.reached(2);

    expect(await ask(`${url}/things/1/orders`, order())).toMatchObject(overloaded);
    const wire = new Wire(port).say(orderBytes(5));
    expect(await wire.answers(1)).toEqual([503]);
    expect(till.taken).toEqual([1, 1]);
    expect(app.adapter.load.work).toMatchObject({ requests: 2, refused: 2 });

    release();
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([202, 202]);
    expect(await wire.say(orderBytes(6)).answers(2)).toEqual([503, 202]);
    wire.socket.destroy();
  });

  it('says that it is alive all the same', async () => {
    const { till, url } = await start({ requestsMax: 1 });
    const release = till.hold();
    const one = ask(`${url}/things/1/orders`, order());
    await till.reached(1);
    expect((await ask(`${url}/health/live`)).status).toBe(404); // this app has none, and yet it is asked
    release();
    await one;
  });

  it('takes no more bodies than it has room for, and counts one of unknown length as a large one', async () => {
    const { till, url, port } = await start({ bytesMax: 40 });
    const release = till.hold();
    const one = ask(`${url}/things/1/orders`, order());
    await till.reached(1);
    const large = { ...order(), body: `{"quantity":1${' '.repeat(30)}}` };
    expect(await ask(`${url}/things/1/orders`, large)).toMatchObject(overloaded);
    expect((await ask(`${url}/page`)).status).toBe(200);
    const chunked = `POST /things/1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await new Wire(port).say(chunked).answers(1)).toEqual([503]);
    release();
    await one;
    expect((await ask(`${url}/things/1/orders`, order())).status).toBe(202);
  });

  it('forgets a request whose client has left', async () => {
    const { till, url, port } = await start({ requestsMax: 1 });
    const release = till.hold();
    const wire = new Wire(port).say(orderBytes(3));
    await till.reached(1);
    wire.socket.destroy();
    release();
    await untilStatus(`${url}/page`, 200);
  });

  it('does not count an answer that goes on for long once it says so', async () => {
    await start({ requestsMax: 1 });
    const { url, adapter } = app;
    const server = adapter.getInstance().server;
    server.prependListener('request', (_request, response) => setImmediate(() => leaveWorkInHand(response)));
    const release = app.till.hold();
    const one = ask(`${url}/things/1/orders`, order());
    await app.till.reached(1);
    await untilStatus(`${url}/page`, 200);
    release();
    expect((await one).status).toBe(202);
    expect((await ask(`${url}/page`)).status).toBe(200); // it was not counted out twice
  });

  it('tells a connection that is too many so at its first request, and closes it', async () => {
    const { port } = await start({ connectionsMax: 2 });
    const first = [await opened(port), await opened(port)];
    const third = new Wire(port).say(orderBytes(1));
    expect(await third.ended()).toEqual([503]);
    expect(third.heard).toContain('/problems/overloaded');
    expect(app.till.taken).toEqual([]);

    first.forEach((socket) => socket.destroy());
    await untilStatus(`${app.url}/page`, 200);
  });

  it('closes a connection that is too many and says nothing', async () => {
    const { port } = await start({ connectionsMax: 1 });
    const first = await opened(port);
    const silent = await opened(port);
    await once(silent.resume(), 'close');
    first.destroy();
  });
});

describe('a buyer who asks too often', () => {
  let app: TinyApp;
  beforeEach(async () => {
    app = await startTinyApp({ closeGraceMs: 1_000, rates: new BuyerRates(() => ({ perSecond: 1, burst: 2 })) });
  });
  afterEach(() => app.close());

  const read = (authorization: string) =>
    ask(`${app.url}/nest/things/0199f3a2-5b1c-7d4e-8f60-718293a4b5c6`, { headers: { authorization } });

  it('is told when to ask again, while others and administrators are served', async () => {
    expect((await read(BUYER)).status).toBe(200);
    expect((await read(BUYER)).status).toBe(200);
    expect(await read(BUYER)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      json: { type: '/problems/rate-limited' },
    });
    for (let n = 0; n < 5; n += 1) expect((await read(ADMIN)).status).toBe(200);
    expect((await ask(`${app.url}/open/anybody`)).status).toBe(200);
  });

  it('is refused before the body is read, and nothing is ordered', async () => {
    const wire = new Wire(app.port).say(orderBytes(1) + orderBytes(2) + orderBytes(3) + orderBytes(4));
    expect(await wire.answers(4)).toEqual([202, 202, 429, 429]);
    expect(app.till.taken).toEqual([1, 2]);
    wire.socket.destroy();
  });

  it('is told of a bad token rather than of the rate', async () => {
    for (let n = 0; n < 5; n += 1) expect((await read('Bearer nonsense')).status).toBe(401);
  });
});

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Whatever was closed a moment ago may still be counted. */
async function untilStatus(url: string, status: number): Promise<void> {
  const answer = await ask(url).catch(() => undefined);
  if (answer?.status !== status) await untilStatus(url, status);
}
