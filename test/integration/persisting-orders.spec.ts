import { v7 as uuidv7 } from 'uuid';
import { aRequest, Corner } from '../support/corner.js';

describe('persisting orders', () => {
  let corner: Corner;
  beforeEach(async () => (corner = await Corner.open()));
  afterEach(() => corner.close());

  it('stores every accepted order once, and counts it in the books of the lane', async () => {
    const saleId = await corner.sale({ stock: 50 });
    await corner.reserve(saleId, 30);

    expect(await corner.worker().runOnce()).toBe(30);

    const rows = await corner.rows(saleId);
    const { epoch, recorded, maxVersion } = await corner.fence();
    expect(rows.map(({ version }) => version - epoch * 1e12)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect({ recorded, maxVersion }).toEqual({ recorded: 30, maxVersion: epoch * 1e12 + 30 });
    expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 30, version: maxVersion });
    expect(await corner.stream.backlog()).toEqual({ unread: 0, pending: 0 });
  });

  it('stores an order once when the worker dies between commit and acknowledgement', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 3);
    const dying = corner.worker();
    jest.spyOn(corner.stream, 'acknowledge').mockRejectedValueOnce(new Error('killed'));
    await expect(dying.runOnce()).rejects.toThrow('killed');

    expect(await corner.worker('heir', { staleAfterMs: 0 }).runOnce()).toBe(3);

    expect(await corner.rows(saleId)).toHaveLength(3);
    expect(await corner.fence()).toMatchObject({ recorded: 3 });
    expect(await corner.gate.read(corner.lane)).toMatchObject({ recorded: 3 });
    expect(await corner.stream.backlog()).toEqual({ unread: 0, pending: 0 });
  });

  it('takes its own entries again after a failure, before it reads new ones', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 2);
    const worker = corner.worker();
    jest.spyOn(corner.ledger, 'settle').mockRejectedValueOnce(new Error('Postgres is away'));
    await expect(worker.runOnce()).rejects.toThrow('Postgres is away');
    await corner.reserve(saleId, 1);

    expect(await worker.runOnce()).toBe(2);
    expect(await worker.runOnce()).toBe(1);
    expect(await corner.rows(saleId)).toHaveLength(3);
  });

  it('stores nothing that was read from a Redis which the lane does not belong to', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 2);
    await corner.pool.query("UPDATE lanes SET run_id = 'another' WHERE lane = $1", [corner.lane]);

    await expect(corner.worker().runOnce()).rejects.toThrow('is not in this term');

    expect(await corner.rows(saleId)).toHaveLength(0);
    expect(await corner.stream.backlog()).toEqual({ unread: 0, pending: 2 });
  });

  it('sets an unreadable entry aside and stores those beside it', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 1);
    await corner.redis.xadd(
      corner.keys.orders,
      '*',
      'v',
      '1',
      'units',
      'abc',
      'nul',
      'a\0b',
      'long',
      'x'.repeat(1_000_000),
    );
    await corner.redis.xadd(corner.keys.orders, '*', 'v', '2');
    await corner.reserve(saleId, 1);

    expect(await corner.worker().runOnce()).toBe(4);

    expect(await corner.rows(saleId)).toHaveLength(2);
    expect(await corner.deadLetters()).toMatchObject([{ reason: 'unreadable' }, { reason: 'unreadable' }]);
    expect(await corner.redis.xlen(corner.keys.deadLetters)).toBe(2);
    expect(await corner.stream.backlog()).toEqual({ unread: 0, pending: 0 });
  });

  it('sets an order aside that the database refuses, halts its sale, and stores the others', async () => {
    const saleId = await corner.sale({ stock: 3 });
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'available', 5);
    await corner.reserve(saleId, 5);

    expect(await corner.worker().runOnce()).toBe(5);

    expect(await corner.rows(saleId)).toHaveLength(3);
    expect(await corner.deadLetters()).toMatchObject([
      { reason: 'refused-by-database' },
      { reason: 'refused-by-database' },
    ]);
    await corner.loader.push(saleId);
    await expect(corner.reserve(saleId, 1)).resolves.toEqual([{ outcome: 'PAUSED' }]);
  });

  it.each([
    ['orphan', { sale: uuidv7() }],
    ['superseded', { version: '5' }],
  ])('sets an entry aside as %s when it was %o', async (reason, field) => {
    const saleId = await corner.sale();
    const entry = {
      v: '1',
      order: uuidv7(),
      sale: saleId,
      buyer: 'b',
      key: 'k',
      units: '1',
      version: '1000000000001',
      at: '1',
    };
    await corner.redis.xadd(corner.keys.orders, '*', ...Object.entries({ ...entry, ...field }).flat());

    await corner.worker().runOnce();

    expect(await corner.deadLetters()).toMatchObject([{ reason }]);
  });

  it('sets an entry aside as conflict when its order is stored with other content', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 1);
    await corner.worker().runOnce();
    const [stored] = await corner.rows(saleId);
    const entry = {
      v: '1',
      order: stored?.orderId ?? '',
      sale: saleId,
      buyer: 'b',
      key: 'k',
      units: '1',
      version: '1000000000001',
      at: '1',
    };
    await corner.redis.xadd(corner.keys.orders, '*', ...Object.entries(entry).flat());

    await corner.worker().runOnce();

    expect(await corner.deadLetters()).toMatchObject([{ reason: 'conflict' }]);
    expect(await corner.rows(saleId)).toEqual([stored]);
  });

  it('lists a pending entry that was deleted from outside', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 2);
    const dying = corner.worker();
    jest.spyOn(corner.ledger, 'settle').mockRejectedValueOnce(new Error('killed'));
    await expect(dying.runOnce()).rejects.toThrow('killed');
    const [first] = await corner.redis.xrange(corner.keys.orders, '-', '+', 'COUNT', 1);
    await corner.redis.xdel(corner.keys.orders, first?.[0] ?? '');

    await corner.worker('heir', { staleAfterMs: 0 }).runOnce();

    expect(await corner.deadLetters()).toMatchObject([{ reason: 'unreadable', entryId: first?.[0] }]);
    expect(await corner.rows(saleId)).toHaveLength(1);
  });

  it('makes the group again when it was destroyed, and stores everything once', async () => {
    const saleId = await corner.sale();
    await corner.reserve(saleId, 2);
    const worker = corner.worker();
    await worker.runOnce();
    await corner.redis.xgroup('DESTROY', corner.keys.orders, 'persistence');
    await corner.reserve(saleId, 1);

    await worker.runOnce();

    expect(await corner.rows(saleId)).toHaveLength(3);
    expect(await corner.stream.backlog()).toEqual({ unread: 0, pending: 0 });
  });

  it('trims what is stored, and never what is pending or unread', async () => {
    const saleId = await corner.sale({ stock: 1_000, perUserLimit: 20 });
    await corner.reserve(saleId, 300);
    await corner.worker().runOnce();
    await corner.reserve(saleId, 300);
    const keepNothing = { ms: 0, entriesMax: 0 };

    await corner.stream.trim(keepNothing);
    expect(await corner.stream.backlog()).toEqual({ unread: 300, pending: 0 });

    const dying = corner.worker();
    jest.spyOn(corner.ledger, 'settle').mockRejectedValueOnce(new Error('killed'));
    await expect(dying.runOnce()).rejects.toThrow('killed');
    await corner.stream.trim(keepNothing);
    await corner.worker('heir', { staleAfterMs: 0 }).runOnce();

    expect(await corner.rows(saleId)).toHaveLength(600);
    expect(await corner.redis.xlen(corner.keys.orders)).toBeLessThan(500);
  });

  it('stores nothing twice when two workers take the same entries at once', async () => {
    const saleId = await corner.sale({ stock: 500 });
    await corner.reserve(saleId, 400);
    const workers = Array.from({ length: 4 }, () => corner.worker(undefined, { staleAfterMs: 0, batchMax: () => 100 }));

    for (let round = 0; round < 6; round += 1) await Promise.all(workers.map((worker) => worker.runOnce()));

    expect(await corner.rows(saleId)).toHaveLength(400);
    expect(await corner.fence()).toMatchObject({ recorded: 400 });
  });

  it('answers a repeated key with the order it stored', async () => {
    const saleId = await corner.sale();
    const request = aRequest();
    const [first] = await corner.stock.reserve(corner.lane, saleId, { requests: [request] });
    await corner.worker().runOnce();
    const [again] = await corner.stock.reserve(corner.lane, saleId, {
      requests: [aRequest({ ...request, orderId: uuidv7() })],
    });

    expect(again).toEqual({ ...first, outcome: 'REPEATED' });
    expect(await corner.rows(saleId)).toMatchObject([{ orderId: request.orderId }]);
  });
});
