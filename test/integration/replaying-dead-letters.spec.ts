import { v7 as uuidv7 } from 'uuid';
import type { Corner } from '../support/corner.js';
import { LettersInACorner } from '../support/letters-in-a-corner.js';

const UNKNOWN = '01a1fda1-b549-70ec-997e-b75d3c616a5f';

describe('replaying a dead letter', () => {
  let there: LettersInACorner;
  let corner: Corner;
  beforeEach(async () => {
    there = await LettersInACorner.open();
    corner = there.corner;
  });
  afterEach(() => corner.close());

  const streamLength = () => corner.redis.xlen(corner.keys.orders);
  const setAside = () => corner.redis.xlen(corner.keys.deadLetters);

  it('has one effect when the cause is gone', async () => {
    const { saleId, bringSaleBack } = await there.anOrphan();
    await bringSaleBack();

    expect(await there.desk.replay(await there.theLetter(), 'ann')).toBe('replayed');
    await there.persist();

    expect(await corner.rows(saleId)).toHaveLength(1);
    expect(await there.letters()).toMatchObject([{ reason: 'orphan', state: 'replayed', resolvedBy: 'ann' }]);
    expect(await setAside()).toBe(0);
    await there.expectBooks(saleId, { held: 1 });
  });

  it('brings it back to the list when the cause is still there', async () => {
    await there.anOrphan();
    await there.desk.replay(await there.theLetter(), 'ann');
    await there.persist();
    expect(await there.letters()).toMatchObject([
      { reason: 'orphan', state: 'replayed' },
      { reason: 'orphan', state: 'open' },
    ]);
    expect(await setAside()).toBe(1);
  });

  it('puts the entry on the stream byte for byte, also what people cannot see of it', async () => {
    const bytes = ['v', '1', 'nul', 'a\0b', 'long', 'x'.repeat(2_000)];
    await corner.redis.xadd(corner.keys.orders, '*', ...bytes);
    await there.persist();
    expect(await there.desk.replay(await there.theLetter(), 'ann')).toBe('replayed');
    const [, [, again] = []] = await corner.redis.xrange(corner.keys.orders, '-', '+');
    expect(again).toEqual(bytes);
  });

  it('finds its entry behind many others, and before itself when the clock of Redis was set back', async () => {
    const { orders, deadLetters } = corner.keys;
    await corner.redis.xadd(deadLetters, '5-1', 'reason', 'unreadable', 'entry', '9-1', 'a', '1');
    for (let n = 0; n < 120; n += 1) {
      await corner.redis.xadd(deadLetters, '*', 'reason', 'x', 'entry', `10-${n}`, 'b', '1');
    }
    const fields: string[] = [];
    for (const entryId of ['9-1', '10-119']) {
      expect(await there.entries.replay({ letterId: uuidv7(), lane: corner.lane, entryId, fields })).toBe(true);
    }
    const replayed = await corner.redis.xrange(orders, '-', '+');
    expect(replayed.map(([, what]) => what)).toEqual([
      ['a', '1'],
      ['b', '1'],
    ]);
    expect(await setAside()).toBe(119);
  });

  it('puts it there once when many replay it at the same time', async () => {
    const { saleId, bringSaleBack } = await there.anOrphan();
    await bringSaleBack();
    const letter = await there.theLetter();
    const before = await streamLength();

    const outcomes = await Promise.all(Array.from({ length: 6 }, () => there.desk.replay(letter, 'ann')));

    expect(outcomes.sort()).toEqual([...Array<string>(5).fill('already-resolved'), 'replayed']);
    expect(await streamLength()).toBe(before + 1);
    await there.persist();
    await there.expectBooks(saleId, { held: 1 });
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
    const { saleId, bringSaleBack } = await there.anOrphan();
    await bringSaleBack();
    await harm();
    const before = await streamLength();
    const letter = await there.theLetter();
    await Promise.all(Array.from({ length: 6 }, () => there.desk.replay(letter, 'ann')));
    expect(await streamLength()).toBe(before + 1);
    await there.persist();
    await there.expectBooks(saleId, { held: 1 });
  });

  it('only marks it when the process before died after it had put the entry on the stream', async () => {
    const { saleId, bringSaleBack } = await there.anOrphan();
    await bringSaleBack();
    const letter = await there.theLetter();
    const replay = there.entries.replay.bind(there.entries);
    jest.spyOn(there.entries, 'replay').mockImplementationOnce(async (which) => {
      await replay(which);
      throw new Error('killed');
    });
    await expect(there.desk.replay(letter, 'ann')).rejects.toThrow('killed');
    expect(await there.letters()).toMatchObject([{ state: 'open' }]);
    const after = await streamLength();

    expect(await there.desk.replay(letter, 'bob')).toBe('replayed');

    expect(await streamLength()).toBe(after);
    await there.persist();
    await there.expectBooks(saleId, { held: 1 });
  });

  it('is refused when it is resolved, unknown, or nothing is left of it', async () => {
    await there.anOrphan();
    const letter = await there.theLetter();
    await there.desk.discard(letter, { reason: 'no such sale', operator: 'ann' });
    expect(await there.desk.replay(letter, 'ann')).toBe('already-resolved');
    expect(await there.desk.replay(UNKNOWN, 'ann')).toBe('unknown');

    await corner.redis.xadd(corner.keys.orders, '*', 'v', '2');
    await there.persist();
    await corner.redis.del(corner.keys.orders, corner.keys.deadLetters);
    expect(await there.desk.replay(await there.theLetter(), 'ann')).toBe('nothing-left');
  });
});
