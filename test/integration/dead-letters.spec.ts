import { v7 as uuidv7 } from 'uuid';
import { DeadLetterDesk } from '../../src/dead-letters/dead-letter-desk.js';
import { OrderStreams } from '../../src/order-stream/order-streams.js';
import { SetAsideEntries } from '../../src/order-stream/set-aside-entries.js';
import { aRequest, Corner } from '../support/corner.js';

const UNKNOWN = '01a1fda1-b549-70ec-997e-b75d3c616a5f';

interface LetterRow {
  id: string;
  reason: string;
  state: string;
  resolvedBy: string | null;
  resolution: string | null;
}

let corner: Corner;
let desk: DeadLetterDesk;
let entries: SetAsideEntries;
beforeEach(async () => {
  corner = await Corner.open();
  entries = new SetAsideEntries(corner.redis);
  const { pool, stock, gate, lane, stream } = corner;
  desk = new DeadLetterDesk({ pool, stock, gate, streams: new OrderStreams([[lane, stream]]), entries });
});
afterEach(() => corner.close());

const persist = () => corner.worker().runOnce();

async function letters(): Promise<LetterRow[]> {
  const { rows } = await corner.pool.query<LetterRow>(
    `SELECT dead_letter_id AS id, reason, state, resolved_by AS "resolvedBy", resolution FROM dead_letters
     WHERE lane = $1 ORDER BY dead_letter_id`,
    [corner.lane],
  );
  return rows;
}

async function theLetter(): Promise<string> {
  const open = (await letters()).filter(({ state }) => state === 'open');
  expect(open).toHaveLength(1);
  return open[0]?.id ?? '';
}

const streamLength = () => corner.redis.xlen(corner.keys.orders);
const setAside = () => corner.redis.xlen(corner.keys.deadLetters);

async function rebuild(): Promise<void> {
  await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [corner.lane]);
  expect(await corner.guard().runOnce()).toBe(1);
}

const expectBooks = async (saleId: string, books: { total?: number; held: number; givenBack?: number }) => {
  const { total = 3, held, givenBack = 0 } = books;
  expect(await corner.audit(saleId)).toMatchObject({
    consistent: true,
    quiescent: true,
    differences: [],
    deadLettersOpen: 0,
    redis: { total, available: total - held, held },
    postgres: { total, toGiveBack: 0, givenBack },
  });
};

/** Redis believes in one unit more than there is, and sells it: the database refuses the last of four orders. */
async function aSaleWithRefusedOrder(): Promise<{ saleId: string; orderId: string; buyer: string }> {
  const saleId = await corner.sale({ stock: 3 });
  await corner.redis.hset(corner.saleKeys(saleId).sale, 'available', 4);
  const refused = aRequest({ buyer: 'zoe' });
  await corner.stock.reserve(corner.lane, saleId, [aRequest(), aRequest(), aRequest(), refused]);
  await persist();
  return { saleId, orderId: refused.orderId, buyer: refused.buyer };
}

/** An order in the stream whose sale is not in this lane, until it is put back. */
async function anOrphan(): Promise<{ saleId: string; bringSaleBack: () => Promise<unknown> }> {
  const saleId = await corner.sale({ stock: 3 });
  await corner.reserve(saleId, 1);
  await corner.pool.query('UPDATE sale_lanes SET lane = 0 WHERE sale_id = $1', [saleId]);
  await persist();
  const bringSaleBack = () =>
    corner.pool.query('UPDATE sale_lanes SET lane = $2 WHERE sale_id = $1', [saleId, corner.lane]);
  return { saleId, bringSaleBack };
}

const anEntry = (saleId: string, fields: Record<string, string> = {}) =>
  Object.entries({
    v: '1',
    order: uuidv7(),
    sale: saleId,
    buyer: 'eve',
    key: 'k',
    units: '1',
    version: '1000000000001',
    at: '1700000000000',
    ...fields,
  }).flat();

const orderRow = async (orderId: string) => {
  const { rows } = await corner.pool.query<Record<string, unknown>>(
    `SELECT status, quantity, amount_minor AS amount, idempotency_key AS key, version, released_version AS released,
            finished_at IS NOT NULL AS "isFinished" FROM orders WHERE order_id = $1`,
    [orderId],
  );
  return rows[0];
};

describe('replaying a dead letter', () => {
  it('has one effect when the cause is gone', async () => {
    const { saleId, bringSaleBack } = await anOrphan();
    await bringSaleBack();

    expect(await desk.replay(await theLetter(), 'ann')).toBe('replayed');
    await persist();

    expect(await corner.rows(saleId)).toHaveLength(1);
    expect(await letters()).toMatchObject([{ reason: 'orphan', state: 'replayed', resolvedBy: 'ann' }]);
    expect(await setAside()).toBe(0);
    await expectBooks(saleId, { held: 1 });
  });

  it('brings it back to the list when the cause is still there', async () => {
    await anOrphan();
    await desk.replay(await theLetter(), 'ann');
    await persist();
    expect(await letters()).toMatchObject([
      { reason: 'orphan', state: 'replayed' },
      { reason: 'orphan', state: 'open' },
    ]);
    expect(await setAside()).toBe(1);
  });

  it('puts the entry on the stream byte for byte, also what people cannot see of it', async () => {
    const bytes = ['v', '1', 'nul', 'a\0b', 'long', 'x'.repeat(2_000)];
    await corner.redis.xadd(corner.keys.orders, '*', ...bytes);
    await persist();
    expect(await desk.replay(await theLetter(), 'ann')).toBe('replayed');
    const [, [, again] = []] = await corner.redis.xrange(corner.keys.orders, '-', '+');
    expect(again).toEqual(bytes);
  });

  it('finds its entry behind many others, and before itself when the clock of Redis was set back', async () => {
    const { orders, deadLetters } = corner.keys;
    await corner.redis.xadd(deadLetters, '5-1', 'reason', 'unreadable', 'entry', '9-1', 'a', '1');
    for (let n = 0; n < 120; n += 1)
      await corner.redis.xadd(deadLetters, '*', 'reason', 'x', 'entry', `10-${n}`, 'b', '1');
    const fields: string[] = [];
    for (const entryId of ['9-1', '10-119']) {
      expect(await entries.replay({ letterId: uuidv7(), lane: corner.lane, entryId, fields })).toBe(true);
    }
    const replayed = await corner.redis.xrange(orders, '-', '+');
    expect(replayed.map(([, what]) => what)).toEqual([
      ['a', '1'],
      ['b', '1'],
    ]);
    expect(await setAside()).toBe(119);
  });

  it('puts it there once when many replay it at the same time', async () => {
    const { saleId, bringSaleBack } = await anOrphan();
    await bringSaleBack();
    const letter = await theLetter();
    const before = await streamLength();

    const outcomes = await Promise.all(Array.from({ length: 6 }, () => desk.replay(letter, 'ann')));

    expect(outcomes.sort()).toEqual([...Array<string>(5).fill('already-resolved'), 'replayed']);
    expect(await streamLength()).toBe(before + 1);
    await persist();
    await expectBooks(saleId, { held: 1 });
  });

  it.each([
    ['Redis was emptied', () => corner.redis.del(corner.keys.orders, corner.keys.deadLetters)],
    [
      'it was found with its buyer, and never set aside',
      async () => {
        await corner.redis.del(corner.keys.orders, corner.keys.deadLetters);
        await corner.pool.query(`UPDATE dead_letters SET entry_id = 'order ' || order_id WHERE lane = $1`, [
          corner.lane,
        ]);
      },
    ],
    ['it was listed and not yet set aside', () => corner.redis.del(corner.keys.deadLetters)],
  ])('puts what is known of it there, once, when %s', async (_, harm) => {
    const { saleId, bringSaleBack } = await anOrphan();
    await bringSaleBack();
    await harm();
    const before = await streamLength();
    const letter = await theLetter();
    await Promise.all(Array.from({ length: 6 }, () => desk.replay(letter, 'ann')));
    expect(await streamLength()).toBe(before + 1);
    await persist();
    await expectBooks(saleId, { held: 1 });
  });

  it('only marks it when the process before died after it had put the entry on the stream', async () => {
    const { saleId, bringSaleBack } = await anOrphan();
    await bringSaleBack();
    const letter = await theLetter();
    const { pool } = corner;
    jest.spyOn(pool, 'connect').mockImplementationOnce(() => Promise.reject(new Error('killed')));
    await expect(desk.replay(letter, 'ann')).rejects.toThrow('killed');
    expect(await letters()).toMatchObject([{ state: 'open' }]);
    const after = await streamLength();

    expect(await desk.replay(letter, 'bob')).toBe('replayed');

    expect(await streamLength()).toBe(after);
    await persist();
    await expectBooks(saleId, { held: 1 });
  });

  it('is refused when it is resolved, unknown, or nothing is left of it', async () => {
    await anOrphan();
    const letter = await theLetter();
    await desk.discard(letter, { reason: 'no such sale', operator: 'ann' });
    expect(await desk.replay(letter, 'ann')).toBe('already-resolved');
    expect(await desk.replay(UNKNOWN, 'ann')).toBe('unknown');

    await corner.redis.xadd(corner.keys.orders, '*', 'v', '2');
    await persist();
    await corner.redis.del(corner.keys.orders, corner.keys.deadLetters);
    expect(await desk.replay(await theLetter(), 'ann')).toBe('nothing-left');
  });
});

describe('discarding a dead letter', () => {
  const discard = async () => desk.discard(await theLetter(), { reason: 'sold too much', operator: 'ann' });

  it('rejects an order that the database has refused, and its units come back once', async () => {
    const { saleId, orderId, buyer } = await aSaleWithRefusedOrder();

    expect(await discard()).toBe('discarded');

    expect(await orderRow(orderId)).toEqual({
      status: 'rejected',
      quantity: 1,
      amount: 1999,
      key: expect.stringMatching(/^key-/) as string,
      version: 1e12 + 4,
      released: null,
      isFinished: true,
    });
    expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 4 });
    expect([await corner.giveBack.runOnce(), await corner.giveBack.runOnce()]).toEqual([1, 0]);
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'available', 0); // what had been made up
    await expectBooks(saleId, { held: 3, givenBack: 1 });
    expect(await corner.stock.findOrder(corner.lane, saleId, { buyer, orderId })).toMatchObject({
      order: { releasedVersion: 1e12 + 5 },
    });
  });

  it('says who did it and why, once', async () => {
    await aSaleWithRefusedOrder();
    const letter = await theLetter();
    const wish = { reason: 'sold too much', operator: 'ann' };
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => desk.discard(letter, wish)));
    expect(outcomes.sort()).toEqual([...Array<string>(5).fill('already-resolved'), 'discarded']);
    expect(await letters()).toMatchObject([{ state: 'discarded', resolvedBy: 'ann', resolution: 'sold too much' }]);
    const { rows } = await corner.pool.query('SELECT actor, action FROM admin_actions WHERE subject = $1', [letter]);
    expect(rows).toEqual([{ actor: 'ann', action: 'dead-letter.discarded' }]);
    expect(await corner.fence()).toMatchObject({ recorded: 4 });
    expect(await desk.discard(UNKNOWN, wish)).toBe('unknown');
  });

  it('makes the books right together with a rebuild, which gives the units back itself', async () => {
    const { saleId } = await aSaleWithRefusedOrder();
    await discard();
    await rebuild();
    expect(await corner.giveBack.runOnce()).toBe(0);
    await expectBooks(saleId, { held: 3, givenBack: 1 });
  });

  it('rejects an order that a rebuild has passed over, and holds nothing for it', async () => {
    const { saleId, orderId } = await aSaleWithRefusedOrder();
    await rebuild();

    expect(await discard()).toBe('discarded');

    expect(await orderRow(orderId)).toMatchObject({ status: 'rejected', version: 1e12 + 4, released: 1e12 + 4 });
    expect(await corner.giveBack.runOnce()).toBe(0);
    await expectBooks(saleId, { held: 3, givenBack: 1 });
    await rebuild();
    await expectBooks(saleId, { held: 3, givenBack: 1 });
  });

  it('leaves the key of such an order to its buyer, who may have used it anew', async () => {
    const saleId = await corner.sale({ stock: 3 });
    const lost = aRequest({ buyer: 'zoe', idempotencyKey: 'mine' });
    const entry = anEntry(saleId, { order: lost.orderId, buyer: 'zoe', key: 'mine' });
    await rebuild();
    await corner.redis.xadd(corner.keys.orders, '*', ...entry);
    await persist();
    expect(await letters()).toMatchObject([{ reason: 'superseded', state: 'open' }]);
    await corner.stock.reserve(corner.lane, saleId, [{ ...lost, orderId: uuidv7() }]);

    expect(await discard()).toBe('discarded');
    await persist();
    const asKey = aRequest({ buyer: 'zoe', idempotencyKey: lost.orderId });
    await corner.stock.reserve(corner.lane, saleId, [asKey]);
    await persist();

    expect((await corner.rows(saleId)).map(({ status }) => status).sort()).toEqual([
      'pending_payment',
      'pending_payment',
      'rejected',
    ]);
    await expectBooks(saleId, { held: 2, givenBack: 1 });
  });

  it('keeps a key of its own when another order has that key', async () => {
    const { saleId, orderId, buyer } = await aSaleWithRefusedOrder();
    const { rows } = await corner.pool.query<{ key: string }>(
      `SELECT fields ->> 9 AS key FROM dead_letters WHERE order_id = $1`,
      [orderId],
    );
    const key = rows[0]?.key;
    await corner.pool.query(
      `UPDATE orders SET buyer_id = $2, idempotency_key = $3 WHERE order_id = (SELECT order_id FROM orders WHERE sale_id = $1 LIMIT 1)`,
      [saleId, buyer, key],
    );
    expect(await discard()).toBe('discarded');
    const row = await orderRow(orderId);
    expect(row).toMatchObject({ status: 'rejected' });
    expect(row?.key).not.toBe(key);
  });

  it('puts nothing on record that nobody has accepted', async () => {
    const saleId = await corner.sale({ stock: 0 });
    await corner.redis.xadd(corner.keys.orders, '*', ...anEntry(saleId));
    await persist();
    expect(await letters()).toMatchObject([{ reason: 'refused-by-database' }]);

    expect(await discard()).toBe('discarded');

    expect(await corner.rows(saleId)).toEqual([]);
    await expectBooks(saleId, { total: 0, held: 0 });
  });

  it('puts nothing on record in the name of another order of the buyer', async () => {
    const saleId = await corner.sale({ stock: 3 });
    const real = aRequest({ buyer: 'eve' });
    await corner.stock.reserve(corner.lane, saleId, [real]);
    await corner.pool.query('UPDATE sale_lanes SET total = 0 WHERE sale_id = $1', [saleId]);
    await corner.redis.xadd(corner.keys.orders, '*', ...anEntry(saleId, { order: real.orderId, units: '2' }));
    await persist();
    const [, forged] = await letters();
    expect(await desk.discard(forged?.id ?? '', { reason: 'forged', operator: 'ann' })).toBe('discarded');
    expect(await corner.rows(saleId)).toEqual([]);
  });

  it('changes no order that is stored already, and ends what is no order', async () => {
    const { saleId, orderId } = await aSaleWithRefusedOrder();
    await corner.pool.query('UPDATE sale_lanes SET total = 4 WHERE sale_id = $1', [saleId]);
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'total', 4);
    const letter = await theLetter();
    await entries.replay({ letterId: letter, lane: corner.lane, entryId: '', fields: await shownFields(letter) });
    await persist();

    expect(await discard()).toBe('discarded');

    expect(await orderRow(orderId)).toMatchObject({ status: 'pending_payment' });
    await expectBooks(saleId, { total: 4, held: 4 });
    await corner.redis.xadd(corner.keys.orders, '*', 'v', '2');
    await persist();
    expect(await discard()).toBe('discarded');
  });

  const shownFields = async (letter: string) => {
    const { rows } = await corner.pool.query<{ fields: string[] }>(
      'SELECT fields FROM dead_letters WHERE dead_letter_id = $1',
      [letter],
    );
    return rows[0]?.fields ?? [];
  };

  it.each([
    ['is closed', () => corner.redis.hset(corner.keys.state, 'state', 'closed')],
    [
      'is rebuilt between the two',
      () => {
        const find = corner.stock.findOrder.bind(corner.stock);
        jest.spyOn(corner.stock, 'findOrder').mockImplementationOnce(async (...which) => {
          const found = await find(...which);
          await rebuild();
          return found;
        });
      },
    ],
  ])('waits while its lane %s', async (_, harm) => {
    const { orderId } = await aSaleWithRefusedOrder();
    await harm();
    expect(await discard()).toBe('not-now');
    expect(await letters()).toMatchObject([{ state: 'open' }]);
    expect(await orderRow(orderId)).toBeUndefined();
  });

  it('has done all or nothing when the process dies in its midst', async () => {
    const { saleId, orderId } = await aSaleWithRefusedOrder();
    jest.spyOn(corner.stream, 'acknowledge').mockRejectedValueOnce(new Error('killed'));
    await discard();
    expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 3 });
    await corner.guard().runOnce();
    expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 4 });
    expect(await orderRow(orderId)).toMatchObject({ status: 'rejected' });
    await rebuild();
    await expectBooks(saleId, { held: 3, givenBack: 1 });
  });
});
