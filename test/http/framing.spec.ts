import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { orderBytes, Wire } from './client.js';
import { BUYER, startTinyApp, type TinyApp } from './tiny-app.js';

let app: TinyApp;
beforeAll(async () => {
  app = await startTinyApp();
});
afterAll(() => app.close());
beforeEach(() => {
  app.till.taken.length = 0;
});

const wire = (bytes: string | Buffer): Wire => new Wire(app.port).say(bytes);
const HEAD = `POST /things/1/orders HTTP/1.1\r\nAuthorization: ${BUYER}\r\nContent-Type: application/json\r\n`;
const BODY = '{"quantity":7}';
const CHUNKED_BODY = `e\r\n${BODY}\r\n0\r\n\r\n`;

describe('a message that two parsers could read differently', () => {
  const SMUGGLED = orderBytes(9);
  const MESSAGES: [string, string][] = [
    ['has no Host', `${HEAD}Content-Length: 14\r\n\r\n${BODY}`],
    ['has two Hosts', `${HEAD}Host: a\r\nHost: b\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['has two Hosts in different case', `${HEAD}Host: a\r\nhOST: a\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['has an empty Host', `${HEAD}Host: \r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['has a Host with a path', `${HEAD}Host: a/b\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['has a Host with credentials', `${HEAD}Host: a@b\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['has a Host with two ports', `${HEAD}Host: a:1:2\r\nContent-Length: 14\r\n\r\n${BODY}`],
    [
      'is HTTP/1.0 with Transfer-Encoding',
      `${HEAD.replace('1.1', '1.0')}Host: a\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_BODY}`,
    ],
    ['is compressed and chunked', `${HEAD}Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${CHUNKED_BODY}`],
    [
      'is chunked twice',
      `${HEAD}Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_BODY}`,
    ],
    [
      'has Content-Length and Transfer-Encoding',
      `${HEAD}Host: a\r\nContent-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_BODY}`,
    ],
    ['has two Content-Lengths', `${HEAD}Host: a\r\nContent-Length: 14\r\nContent-Length: 15\r\n\r\n${BODY}`],
    ['has a chunk of no length', `${HEAD}Host: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n${BODY}\r\n0\r\n\r\n`],
    ['has a NUL in a header', `${HEAD}Host: a\r\nX-A: \0\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['has a folded header', `${HEAD}Host: a\r\nX-A: b\r\n c\r\nX\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['has a space before a colon', `${HEAD}Host : a\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['claims to be HTTP/2', `${HEAD.replace('1.1', '2.0')}Host: a\r\nContent-Length: 14\r\n\r\n${BODY}`],
    ['is no HTTP', 'hello\r\n\r\n'],
  ];
  it.each(MESSAGES)(
    'is refused with 400 and ends the connection when it %s; what follows is not taken',
    async (_name, message) => {
      expect(await wire(message + SMUGGLED).ended()).toEqual([400]);
      expect(app.till.taken).toEqual([]);
    },
  );

  it('is accepted when it is merely unusual: an IPv6 host with a port, a chunked body', async () => {
    expect(await wire(`${HEAD}Host: [::1]:80\r\nTransfer-Encoding: Chunked\r\n\r\n${CHUNKED_BODY}`).answers(1)).toEqual(
      [202],
    );
    expect(app.till.taken).toEqual([7]);
  });

  it('is refused with 431 when its headers exceed 16 KiB', async () => {
    expect(await wire(`${HEAD}Host: a\r\nX-A: ${'x'.repeat(17_000)}\r\n\r\n`).ended()).toEqual([431]);
  });

  it('is refused with 417 when it expects something odd', async () => {
    expect(await wire(`${HEAD}Host: a\r\nExpect: x\r\nContent-Length: 14\r\n\r\n${BODY}`).answers(1)).toEqual([417]);
    expect(app.till.taken).toEqual([]);
  });

  it.each(['OPTIONS *', 'GET *open/anybody'])('is answered 404 when its target is no path: %s', async (line) => {
    expect(await wire(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`).answers(1)).toEqual([404]);
  });
});

describe('a request for another protocol', () => {
  const TUNNEL = 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n';
  const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

  it('is answered 405 when it wants a tunnel, behind the answer of the order before it', async () => {
    expect(await wire(TUNNEL).ended()).toEqual([405]);
    const release = app.till.hold();
    const connection = wire(orderBytes(1) + TUNNEL + orderBytes(2));
    await app.till.reached(1);
    release();
    expect(await connection.ended()).toEqual([202, 405]);
    expect(app.till.taken).toEqual([1]);
  });

  it('does no harm when a client that wanted a tunnel resets its connection', async () => {
    const gone = nextServerSocket().then(({ closed }) => closed);
    const connection = wire(TUNNEL);
    await connection.answers(1);
    connection.socket.resetAndDestroy();
    await gone;
    expect(await wire(orderBytes(1)).answers(1)).toEqual([202]);
  });

  it('is forgotten within seconds when the client that wanted a tunnel stays', async () => {
    const arrived = nextServerSocket();
    const stays = connect({ port: app.port, host: '127.0.0.1', allowHalfOpen: true }).resume();
    stays.on('error', () => undefined).write(TUNNEL);
    await (
      await arrived
    ).closed;
    stays.destroy();
  });

  it('is answered as if it had not asked when it wants an upgrade, and ends the connection', async () => {
    const connection = wire(orderBytes(1, UPGRADE) + orderBytes(2));
    expect(await connection.ended()).toEqual([202]);
    expect(connection.heard).toMatch(/connection: close\r\n/i);
    expect(app.till.taken).toEqual([1]);
  });

  it('lets nothing through that comes after the wish for an upgrade, also in a later packet', async () => {
    const release = app.till.hold();
    const connection = wire(orderBytes(1, UPGRADE));
    await app.till.reached(1);
    connection.say(orderBytes(2));
    await wire('garbage\r\n\r\n').ended(); // the server has read the order by the time it refuses this
    release();
    expect(await connection.ended()).toEqual([202]);
    expect(app.till.taken).toEqual([1]);
  });

  it('is cut off with 408 when it wants an upgrade and its body trickles in', async () => {
    const trickling = `${HEAD}Host: a\r\n${UPGRADE}Content-Length: 14\r\n\r\n{`;
    expect(await wire(trickling).ended()).toEqual([408]);
  });

  /** The server's end of the next connection. */
  async function nextServerSocket(): Promise<{ closed: Promise<unknown> }> {
    const [socket] = (await once(app.adapter.getInstance().server, 'connection')) as [Socket];
    const closed = new Promise((resolve) => socket.once('close', resolve));
    return { closed };
  }
});

describe('garbage behind valid requests', () => {
  it('does not take the answer of the order before it, in the same packet', async () => {
    const connection = wire(orderBytes(1) + 'garbage\r\n\r\n');
    expect(await connection.ended()).toEqual([202, 400]);
    expect(app.till.taken).toEqual([1]);
  });

  it('does not take the answers of any of several pipelined orders', async () => {
    expect(await wire(orderBytes(1) + orderBytes(2) + orderBytes(3) + '\0\0\0').ended()).toEqual([202, 202, 202, 400]);
    expect(app.till.taken).toEqual([1, 2, 3]);
  });

  it('waits for an order that is still being carried out, also when it comes in a later packet', async () => {
    const release = app.till.hold();
    const connection = wire(orderBytes(1));
    await app.till.reached(1);
    connection.say('garbage\r\n\r\n').say(orderBytes(2));
    const probe = wire('garbage\r\n\r\n'); // the server has read the garbage by the time it refuses this
    await probe.ended();
    expect(connection.heard).toBe('');
    release();
    expect(await connection.ended()).toEqual([202, 400]);
    expect(app.till.taken).toEqual([1]);
  });

  it('is no reason to carry out a request whose own body is broken', async () => {
    const broken = `${HEAD}Host: a\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n${BODY}\r\nzz\r\n`;
    expect(await wire(orderBytes(1) + broken).ended()).toEqual([202, 400]);
    expect(app.till.taken).toEqual([1]);
    expect(app.bugs).toEqual([]);
  });

  it('does not get a second answer when its request was refused before its body was there', async () => {
    const refused = `POST /things/1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const connection = wire(refused);
    await connection.answers(1);
    expect(await connection.say('zz\r\n').ended()).toEqual([401]);
  });

  it('gets no more than the last answer after Connection: close', async () => {
    expect(await wire(orderBytes(1, 'Connection: close\r\n') + orderBytes(2)).ended()).toEqual([202]);
    expect(app.till.taken).toEqual([1]);
  });
});

describe('a connection', () => {
  it('goes on after a body that was refused, so that the requests behind it are answered', async () => {
    const bad = orderBytes(1).replace('{"quantity":1}', '{"quantity":x}');
    const big = orderBytes(1).replace(
      /Content-Length: 14\r\n\r\n.*/s,
      `Content-Length: 5000\r\n\r\n${'x'.repeat(5_000)}`,
    );
    expect(await wire(bad + orderBytes(2) + big + orderBytes(3)).answers(4)).toEqual([400, 202, 413, 202]);
    expect(app.till.taken).toEqual([2, 3]);
  });

  it('may wait for 32 answers at once; the next request is refused and ends it, and what follows is not taken', async () => {
    const release = app.till.hold();
    const connection = wire(orderBytes(1).repeat(50));
    await app.till.reached(32);
    release();
    const statuses = await connection.ended();
    expect(statuses).toEqual([...Array<number>(32).fill(202), 429]);
    expect(app.till.taken.length).toBe(32);
    expect(connection.heard).toContain('/problems/rate-limited');
    const [, instance] = /"instance":"([^"]+)"/.exec(connection.heard) ?? [];
    expect(connection.heard.toLowerCase()).toContain(`x-request-id: ${instance?.toLowerCase()}\r\n`);
  });

  it('may carry any number of pipelined requests as long as the answers keep up', async () => {
    const connection = new Wire(app.port);
    for (let sent = 20; sent <= 100; sent += 20) {
      connection.say(orderBytes(1).repeat(20));
      await connection.answers(sent);
    }
    expect(new Set(connection.statuses)).toEqual(new Set([202]));
    connection.socket.destroy();
  });

  it('costs a bounded amount of memory when its client never reads', async () => {
    const before = process.memoryUsage().rss;
    const page = 'GET /page HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_000);
    const deaf = Array.from({ length: 40 }, () => {
      const connection = new Wire(app.port);
      connection.socket.pause();
      return connection.say(page);
    });
    for (let probes = 0; probes < 50; probes++) await wire('garbage\r\n\r\n').ended(); // the server has come round to everybody
    const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20;
    for (const { socket } of deaf) socket.destroy();
    expect(grownMiB).toBeLessThan(220);
  });
});

describe('a request that trickles in', () => {
  it('is cut off with 408, behind the answers of those that arrived before it', async () => {
    const head = 'POST /things/1/orders HTTP/1.1\r\nHost: a\r\nX-A: b';
    const body = `${HEAD}Host: a\r\nContent-Length: 14\r\n\r\n{`;
    const ends = await Promise.all([head, body, orderBytes(1) + body].map((bytes) => wire(bytes).ended()));
    expect(ends).toEqual([[408], [408], [202, 408]]);
    expect(app.bugs).toEqual([]);
  });

  it('is not what a connection is that was opened ahead of need: an order on it is answered as ever', async () => {
    const early = new Wire(app.port);
    await wire('GET /things/1 HTTP/1.1\r\n').ended(); // by now a request that had begun on the other would be too late
    expect(await early.say(orderBytes(1)).answers(1)).toEqual([202]);
    early.socket.destroy();
  });
});
