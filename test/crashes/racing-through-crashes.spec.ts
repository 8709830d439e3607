import pg from 'pg';
import { type Buyer, race } from '../support/crowd.js';
import { type Part, TestSystem } from '../support/system.js';

const BUYERS = 10_000;
const STOCK = 1_000;
const COPIES = 3;
const RACE_MS_MAX = 240_000;

/** Everything that must hold once the crowd has its answers, whatever was killed meanwhile. */
async function expectTrueBooks(system: TestSystem, saleId: string, buyers: Buyer[]): Promise<void> {
  for (const { answers } of buyers) {
    const [first] = answers;
    if (first?.status === 202) expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    else expect(answers.map(({ outcome }) => outcome)).toEqual(answers.map(() => 'sold-out'));
  }
  const accepted = buyers.filter(({ answers }) => answers[0]?.status === 202);
  expect(accepted).toHaveLength(STOCK);

  const audit = await system.quiescentAudit(saleId);
  expect(audit).toMatchObject({
    consistent: true,
    differences: [],
    deadLettersOpen: 0,
    redis: { total: STOCK, available: 0, held: STOCK },
    postgres: { total: STOCK, pendingPayment: STOCK },
  });

  const stored = await rowsOf(system, saleId);
  const promised = accepted.map(({ name, key, answers }) => ({ buyer: name, key, orderId: answers[0]?.body.orderId }));
  const byBuyer = (a: { buyer: string }, b: { buyer: string }) => (a.buyer < b.buyer ? -1 : 1);
  expect(stored.sort(byBuyer)).toEqual(promised.sort(byBuyer));
}

async function rowsOf(system: TestSystem, saleId: string): Promise<{ buyer: string; key: string; orderId: string }[]> {
  const client = new pg.Client(system.databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ buyer: string; key: string; orderId: string }>(
      'SELECT buyer_id AS buyer, idempotency_key AS key, order_id AS "orderId" FROM orders WHERE sale_id = $1',
      [saleId],
    );
    return rows;
  } finally {
    await client.end();
  }
}

describe('10,000 buyers racing for 1,000 units, each request sent three times at once', () => {
  let system: TestSystem;
  beforeAll(
    async () => (system = await TestSystem.start({ PERSIST_CLAIM_AFTER_MS: '2000', STATEMENT_TIMEOUT_MS: '1000' })),
    120_000,
  );
  afterAll(() => system.close());

  const everything: Part[] = ['api', 'worker', 'redis', 'postgres'];

  it(
    'get exactly 1,000 orders, one for each key, and everybody else a correct refusal',
    async () => {
      const saleId = await system.createSale({ stock: STOCK });
      const buyers = await race(system, { saleId, buyers: BUYERS, copies: COPIES });
      await expectTrueBooks(system, saleId, buyers);
    },
    RACE_MS_MAX,
  );

  it.each([
    ['the API', ['api']],
    ['the worker', ['worker']],
    ['Redis', ['redis']],
    ['Postgres', ['postgres']],
    ['everything at once', everything],
  ] as [string, Part[]][])(
    'find every 202 stored exactly once when %s is killed in the middle and started again',
    async (_, parts) => {
      const saleId = await system.createSale({ stock: STOCK });
      const killAndRestart = async () => {
        await Promise.all(parts.map((part) => system.killPart(part)));
        await Promise.all(
          parts.filter((part) => part === 'redis' || part === 'postgres').map((part) => system.startPart(part)),
        );
        await Promise.all(
          parts.filter((part) => part === 'api' || part === 'worker').map((part) => system.startPart(part)),
        );
      };
      const buyers = await race(system, {
        saleId,
        buyers: BUYERS,
        copies: COPIES,
        afterAccepted: { count: STOCK, do: killAndRestart },
      });
      const buyersMeetIt = parts.includes('api') || parts.includes('redis'); // a worker or Postgres delays no answer
      if (buyersMeetIt) expect(buyers.some(({ resent }) => resent > 0)).toBe(true);
      await expectTrueBooks(system, saleId, buyers);
    },
    RACE_MS_MAX,
  );
});
