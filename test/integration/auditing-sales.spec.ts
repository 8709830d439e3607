import { Corner } from '../support/corner.js';

describe('auditing a sale', () => {
  let corner: Corner;
  let saleId: string;
  beforeEach(async () => {
    corner = await Corner.open();
    saleId = await corner.sale({ stock: 10 });
    await corner.reserve(saleId, 4);
  });
  afterEach(() => corner.close());

  const audit = () => corner.audit(saleId);
  const sql = (text: string) => corner.pool.query(text, [saleId]);

  it('agrees, and says that it is quiescent, once everything is stored', async () => {
    await corner.worker().runOnce();
    expect(await audit()).toMatchObject({
      consistent: true,
      quiescent: true,
      redis: { total: 10, available: 6, held: 4 },
      postgres: { total: 10, pendingPayment: 4, paid: 0, toGiveBack: 0, givenBack: 0 },
      lanes: [{ state: 'open', recorded: 4, unread: 0, pending: 0 }],
      differences: [],
    });
  });

  it('finds no difference in what is still in flight, and counts it', async () => {
    expect(await audit()).toMatchObject({
      consistent: true,
      quiescent: false,
      redis: { held: 4 },
      postgres: { pendingPayment: 0 },
      lanes: [{ unread: 4, pending: 0 }],
    });
  });

  it('reports one missing unit when the counter of Redis is edited by hand', async () => {
    await corner.redis.hincrby(corner.saleKeys(saleId).sale, 'available', -1);
    expect(await audit()).toMatchObject({ consistent: false, differences: [{ kind: 'redis-not-conserved' }] });
  });

  it('reports a total that differs', async () => {
    await sql('UPDATE sale_lanes SET total = 11 WHERE sale_id = $1');
    expect(await audit()).toMatchObject({ consistent: false, differences: [{ kind: 'totals-differ' }] });
  });

  it('reports a row of Postgres that counts other units than its orders hold', async () => {
    await corner.worker().runOnce();
    await sql('UPDATE sale_lanes SET held = held + 1 WHERE sale_id = $1');
    expect(await audit()).toMatchObject({ consistent: false, differences: [{ kind: 'postgres-not-conserved' }] });
  });

  it('names the order that Redis holds and Postgres has lost', async () => {
    await corner.worker().runOnce();
    const [lost] = await corner.rows(saleId);
    await corner.pool.query('DELETE FROM orders WHERE order_id = $1', [lost?.orderId]);
    await sql('UPDATE sale_lanes SET held = held - 1 WHERE sale_id = $1');

    const { consistent, differences } = await audit();
    expect(consistent).toBe(false);
    expect(differences).toContainEqual(expect.objectContaining({ kind: 'order-not-stored', orderId: lost?.orderId }));
    expect(differences).toContainEqual(expect.objectContaining({ kind: 'held-differs' }));
  });

  it('reports orders of Postgres that Redis does not hold', async () => {
    await corner.worker().runOnce();
    const [buyer] = await corner.rows(saleId);
    await corner.redis.hdel(corner.saleKeys(saleId).buyers, buyer?.buyer ?? '');
    await corner.redis.hincrby(corner.saleKeys(saleId).sale, 'available', 1);

    expect((await audit()).differences).toEqual([
      { kind: 'order-not-in-redis', orderId: buyer?.orderId, detail: expect.any(String) },
      expect.objectContaining({ kind: 'held-differs' }),
    ]);
  });

  it('reports decisions that are neither recorded nor on their way, and not while they may be', async () => {
    await corner.worker().runOnce();
    await corner.redis.hincrby(corner.keys.state, 'version', 2);
    expect(await audit()).toMatchObject({ differences: [{ kind: 'decisions-not-recorded' }] });

    const [order] = await corner.rows(saleId);
    await corner.expire(saleId, order?.orderId ?? '');
    expect(await audit()).toMatchObject({ consistent: true, quiescent: false });
  });

  it.each([
    ['order-differs', 'UPDATE orders SET idempotency_key = order_id::text WHERE sale_id = $1'],
    ['release-not-in-redis', 'UPDATE orders SET released_version = 7 WHERE sale_id = $1'],
  ])('names each order of which it reports %s', async (kind, harm) => {
    await corner.worker().runOnce();
    await sql(harm);
    const found = (await audit()).differences.filter((difference) => difference.kind === kind);
    const orders = (await corner.rows(saleId)).map(({ orderId }) => orderId);
    expect(found.map(({ orderId }) => orderId).sort()).toEqual(orders.sort());
  });

  it('names the order whose units Redis has given back and Postgres has not', async () => {
    await corner.worker().runOnce();
    const [order] = await corner.rows(saleId);
    await corner.stock.release(corner.lane, saleId, [{ buyer: order?.buyer ?? '', orderId: order?.orderId ?? '' }]);
    await corner.redis.hincrby(corner.keys.state, 'version', -1);
    expect((await audit()).differences).toContainEqual(
      expect.objectContaining({ kind: 'release-not-recorded', orderId: order?.orderId }),
    );
  });

  it('does not take an adjustment that is under way for a difference of the totals', async () => {
    await sql('UPDATE sale_lanes SET total = 11 WHERE sale_id = $1');
    await corner.pool.query(
      `INSERT INTO stock_adjustments (sale_id, number, delta, lane, idempotency_key, requested_by, reason)
       VALUES ($1, 1, 1, $2, 'k', 'op', 'more')`,
      [saleId, corner.lane],
    );
    expect(await audit()).toMatchObject({ consistent: true });
  });

  it('counts what is given back, and what is still to be', async () => {
    await corner.worker().runOnce();
    await sql(`UPDATE orders SET status = 'expired', finished_at = now() WHERE sale_id = $1
               AND order_id = (SELECT min(order_id::text)::uuid FROM orders WHERE sale_id = $1)`);
    await sql('UPDATE sale_lanes SET held = held - 1 WHERE sale_id = $1');
    expect(await audit()).toMatchObject({
      consistent: true,
      postgres: { pendingPayment: 3, toGiveBack: 1, givenBack: 0 },
    });
  });

  it('says which lane is closed, and why', async () => {
    await corner.worker().runOnce();
    await corner.redis.del(corner.keys.state);
    expect(await audit()).toMatchObject({
      consistent: false,
      lanes: [{ state: 'closed' }],
      differences: [{ kind: 'lane-closed', detail: expect.stringContaining('Redis has no such lane') as unknown }],
    });
  });

  it('stays quiescent while the only decision not recorded is an open dead letter', async () => {
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'available', 7);
    await corner.reserve(saleId, 7);
    await corner.worker().runOnce();
    expect(await corner.deadLetters()).toHaveLength(1);
    expect(await audit()).toMatchObject({ quiescent: true, consistent: false, deadLettersOpen: 1 });
  });
});
