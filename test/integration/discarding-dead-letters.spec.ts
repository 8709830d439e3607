import { v7 as uuidv7 } from 'uuid';
import { aRequest, type Corner } from '../support/corner.js';
import { LettersInACorner } from '../support/letters-in-a-corner.js';

const UNKNOWN = '01a1fda1-b549-70ec-997e-b75d3c616a5f';

describe('discarding a dead letter', () => {
  let there: LettersInACorner;
  let corner: Corner;
  beforeEach(async () => {
    there = await LettersInACorner.open();
    corner = there.corner;
  });
  afterEach(() => corner.close());

  const orderRow = async (orderId: string) => {
    const { rows } = await corner.pool.query<Record<string, unknown>>(
      `SELECT status, quantity, amount_minor AS amount, idempotency_key AS key, version, released_version AS released,
              finished_at IS NOT NULL AS "isFinished" FROM orders WHERE order_id = $1`,
      [orderId],
    );
    return rows[0];
  };

  const discard = async () => there.desk.discard(await there.theLetter(), { reason: 'sold too much', operator: 'ann' });

  it('rejects an order that the database has refused, and its units come back once', async () => {
    const { saleId, orderId, buyer } = await there.aSaleWithRefusedOrder();

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
    await there.expectBooks(saleId, { held: 3, givenBack: 1 });
    expect(await corner.stock.findOrder(corner.lane, saleId, { buyer, orderId })).toMatchObject({
      order: { releasedVersion: 1e12 + 5 },
    });
  });

  it('says who did it and why, once', async () => {
    await there.aSaleWithRefusedOrder();
    const letter = await there.theLetter();
    const wish = { reason: 'sold too much', operator: 'ann' };
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => there.desk.discard(letter, wish)));
    expect(outcomes.sort()).toEqual([...Array<string>(5).fill('already-resolved'), 'discarded']);
    expect(await there.letters()).toMatchObject([
      { state: 'discarded', resolvedBy: 'ann', resolution: 'sold too much' },
    ]);
    const { rows } = await corner.pool.query('SELECT actor, action FROM admin_actions WHERE subject = $1', [letter]);
    expect(rows).toEqual([{ actor: 'ann', action: 'dead-letter.discarded' }]);
    expect(await corner.fence()).toMatchObject({ recorded: 4 });
    expect(await there.desk.discard(UNKNOWN, wish)).toBe('unknown');
  });

  it('makes the books right together with a rebuild, which gives the units back itself', async () => {
    const { saleId } = await there.aSaleWithRefusedOrder();
    await discard();
    await there.rebuild();
    expect(await corner.giveBack.runOnce()).toBe(0);
    await there.expectBooks(saleId, { held: 3, givenBack: 1 });
  });

  it('rejects an order that a rebuild has passed over, and holds nothing for it', async () => {
    const { saleId, orderId } = await there.aSaleWithRefusedOrder();
    await there.rebuild();

    expect(await discard()).toBe('discarded');

    expect(await orderRow(orderId)).toMatchObject({ status: 'rejected', version: 1e12 + 4, released: 1e12 + 4 });
    expect(await corner.giveBack.runOnce()).toBe(0);
    await there.expectBooks(saleId, { held: 3, givenBack: 1 });
    await there.rebuild();
    await there.expectBooks(saleId, { held: 3, givenBack: 1 });
  });

  it('leaves the key of such an order to its buyer, who may have used it anew', async () => {
    const saleId = await corner.sale({ stock: 3 });
    const lost = aRequest({ buyer: 'zoe', idempotencyKey: 'mine' });
    await there.rebuild();
    await there.forge(saleId, { order: lost.orderId, buyer: 'zoe', key: 'mine' });
    await there.persist();
    expect(await there.letters()).toMatchObject([{ reason: 'superseded', state: 'open' }]);
    await corner.stock.reserve(corner.lane, saleId, { requests: [{ ...lost, orderId: uuidv7() }] });

    expect(await discard()).toBe('discarded');
    await there.persist();
    const asKey = aRequest({ buyer: 'zoe', idempotencyKey: lost.orderId });
    await corner.stock.reserve(corner.lane, saleId, { requests: [asKey] });
    await there.persist();

    expect((await corner.rows(saleId)).map(({ status }) => status).sort()).toEqual([
      'pending_payment',
      'pending_payment',
      'rejected',
    ]);
    await there.expectBooks(saleId, { held: 2, givenBack: 1 });
  });

  it('keeps a key of its own when another order has that key', async () => {
    const { saleId, orderId, buyer } = await there.aSaleWithRefusedOrder();
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
    await there.forge(saleId);
    await there.persist();
    expect(await there.letters()).toMatchObject([{ reason: 'refused-by-database' }]);

    expect(await discard()).toBe('discarded');

    expect(await corner.rows(saleId)).toEqual([]);
    await there.expectBooks(saleId, { total: 0, held: 0 });
  });

  it('puts nothing on record in the name of another order of the buyer', async () => {
    const saleId = await corner.sale({ stock: 3 });
    const real = aRequest({ buyer: 'eve' });
    await corner.stock.reserve(corner.lane, saleId, { requests: [real] });
    await corner.pool.query('UPDATE sale_lanes SET total = 0 WHERE sale_id = $1', [saleId]);
    await there.forge(saleId, { order: real.orderId, units: '2' });
    await there.persist();
    const [, forged] = await there.letters();
    expect(await there.desk.discard(forged?.id ?? '', { reason: 'forged', operator: 'ann' })).toBe('discarded');
    expect(await corner.rows(saleId)).toEqual([]);
  });

  it('changes no order that is stored already, and ends what is no order', async () => {
    const { saleId, orderId } = await there.aSaleWithRefusedOrder();
    await corner.pool.query('UPDATE sale_lanes SET total = 4 WHERE sale_id = $1', [saleId]);
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'total', 4);
    const letter = await there.theLetter();
    await there.entries.replay({ letterId: letter, lane: corner.lane, entryId: '', fields: await shownFields(letter) });
    await there.persist();

    expect(await discard()).toBe('discarded');

    expect(await orderRow(orderId)).toMatchObject({ status: 'pending_payment' });
    await there.expectBooks(saleId, { total: 4, held: 4 });
    await corner.redis.xadd(corner.keys.orders, '*', 'v', '2');
    await there.persist();
    expect(await discard()).toBe('discarded');
  });

  const shownFields = async (letter: string) => {
    const { rows } = await corner.pool.query<{ fields: string[] }>(
      'SELECT fields FROM dead_letters WHERE dead_letter_id = $1',
      [letter],
    );
    return rows[0]?.fields ?? [];
  };

  it.each<[string, () => unknown]>([
    ['is closed', () => corner.redis.hset(corner.keys.state, 'state', 'closed')],
    [
      'is rebuilt between the two',
      () => {
        const find = corner.stock.findOrder.bind(corner.stock);
        jest.spyOn(corner.stock, 'findOrder').mockImplementationOnce(async (...which) => {
          const found = await find(...which);
          await there.rebuild();
          return found;
        });
      },
    ],
  ])('waits while its lane %s', async (_, harm) => {
    const { orderId } = await there.aSaleWithRefusedOrder();
    await harm();
    expect(await discard()).toBe('not-now');
    expect(await there.letters()).toMatchObject([{ state: 'open' }]);
    expect(await orderRow(orderId)).toBeUndefined();
  });

  it('does not ask the lane about an orphan, and puts nothing on record', async () => {
    const { saleId, bringSaleBack } = await there.anOrphan();
    await bringSaleBack();
    await corner.redis.hset(corner.keys.state, 'state', 'closed');
    expect(await discard()).toBe('discarded');
    expect(await corner.rows(saleId)).toEqual([]);
  });

  it('has done all or nothing when the process dies in its midst', async () => {
    const { saleId, orderId } = await there.aSaleWithRefusedOrder();
    jest.spyOn(corner.stream, 'acknowledge').mockRejectedValueOnce(new Error('killed'));
    await discard();
    expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 3 });
    await corner.guard().runOnce();
    expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 4 });
    expect(await orderRow(orderId)).toMatchObject({ status: 'rejected' });
    await there.rebuild();
    await there.expectBooks(saleId, { held: 3, givenBack: 1 });
  });
});
