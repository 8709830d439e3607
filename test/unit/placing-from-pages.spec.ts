import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BROWSER } from '../support/page-sources.js';

interface Outcome {
  order?: { orderId: string };
  problem?: { slug: string; status: number };
  mayBeTaken?: boolean;
}
interface Waiting {
  problem: { slug: string };
  waitMs: number;
  mayBeTaken: boolean;
}
interface Scripts {
  Api: new (session: object) => object;
  placeOrder: (api: object, wish: object, options: object) => Promise<Outcome>;
}

/** What the server answers, one after another. `cut` breaks the connection off. */
type Script = (number | [status: number, slug: string, retryAfter?: number] | 'cut')[];

let server: Server;
let script: Script;
let asked: { key: unknown; url: unknown; authorization: unknown }[];
const refused: string[] = [];

beforeAll(async () => {
  server = createServer((incoming, response) => {
    const { headers, url } = incoming;
    asked.push({ key: headers['idempotency-key'], url, authorization: headers.authorization });
    const next = script.shift() ?? 202;
    if (next === 'cut') return void incoming.socket.destroy();
    const [status, slug, retryAfter] = typeof next === 'number' ? [next] : next;
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
    response.end(JSON.stringify(slug ? { type: `/problems/${slug}`, title: slug } : { orderId: 'o-1', quantity: 1 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A browser resolves an address against that of its page.
  const { port } = server.address() as AddressInfo;
  const native = globalThis.fetch;
  jest
    .spyOn(globalThis, 'fetch')
    .mockImplementation((path, options) => native(`http://127.0.0.1:${port}${path as string}`, options));
});
afterAll(() => {
  jest.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  refused.length = 0;
});

/** Places an order against a server that answers so. @param onWait aborts by returning true */
async function place(answers: Script, onWait: (waiting: Waiting) => boolean = () => false) {
  script = answers;
  const [{ Api }, { placeOrder }] = (await Promise.all(
    ['api', 'place-order'].map((name) => import(`${BROWSER}/${name}.mjs`)),
  )) as [Scripts, Scripts];
  const api = new Api({ token: 't-1', refuse: (_: string, { slug }: { slug: string }) => refused.push(slug) });
  const stop = new AbortController();
  const waits: Waiting[] = [];
  const outcome = await placeOrder(
    api,
    { buyer: 'alice', saleId: 's-1', quantity: 1, key: 'k-1' },
    {
      signal: stop.signal,
      onWait: (waiting: Waiting) => {
        waits.push(waiting);
        if (onWait(waiting)) stop.abort();
      },
    },
  );
  return { outcome, waits };
}

describe('a page that places an order', () => {
  it('is done with a 202, which it has asked for with its token and key', async () => {
    const { outcome } = await place([202]);
    expect(outcome.order?.orderId).toBe('o-1');
    expect(asked).toEqual([{ key: 'k-1', url: '/v1/sales/s-1/orders', authorization: 'Bearer t-1' }]);
  });

  it.each<[string, Script[number]]>([
    ['the outcome is unknown', [503, 'outcome-unknown', 0]],
    ['the connection breaks', 'cut'],
    ['a proxy answers in its own words', 502],
  ])('sends the same key again when %s, and says that the order may be taken', async (_, answer) => {
    const { outcome, waits } = await place([answer, 202]);
    expect(outcome.order?.orderId).toBe('o-1');
    expect(asked.map(({ key }) => key)).toEqual(['k-1', 'k-1']);
    expect(waits.map(({ mayBeTaken }) => mayBeTaken)).toEqual([true]);
  });

  it.each<[string, number]>([
    ['overloaded', 503],
    ['store-unavailable', 503],
    ['draining', 503],
    ['rate-limited', 429],
  ])('sends the same key again after %s, and knows that nothing was taken', async (slug, status) => {
    const { outcome, waits } = await place([[status, slug, 0], 202]);
    expect(outcome.order?.orderId).toBe('o-1');
    expect(waits.map(({ mayBeTaken }) => mayBeTaken)).toEqual([false]);
  });

  it('waits at least as long as Retry-After says', async () => {
    const { waits } = await place([[503, 'overloaded', 7]], () => true);
    expect(waits[0]?.waitMs).toBeGreaterThanOrEqual(7_000);
    expect(asked).toHaveLength(1);
  });

  it.each<[string, number]>([
    ['sold-out', 409],
    ['sale-not-started', 409],
    ['invalid-field', 400],
  ])('ends with %s, without asking again', async (slug, status) => {
    const { outcome } = await place([[status, slug, 60]]);
    expect(outcome).toMatchObject({ problem: { slug, status }, mayBeTaken: false });
    expect(asked).toHaveLength(1);
  });

  it('knows after a refusal that an attempt of unknown outcome took nothing: its key would have been answered', async () => {
    const { outcome } = await place(['cut', [409, 'sold-out']]);
    expect(outcome).toMatchObject({ problem: { slug: 'sold-out' }, mayBeTaken: false });
  });

  it('keeps in mind that the order may be taken when it is stopped, or its token expires, before that is known', async () => {
    const stopped = await place(['cut'], () => true);
    expect(stopped.outcome.mayBeTaken).toBe(true);

    const expired = await place(['cut', [401, 'invalid-token']]);
    expect(expired.outcome).toMatchObject({ problem: { slug: 'invalid-token' }, mayBeTaken: true });
    expect(refused).toEqual(['invalid-token']);
  });
});
