import { GrantPoints } from '../../src/rewards/grant-points.js';
import { eventually } from '../support/eventually.js';
import { MoneyCorner } from '../support/money-corner.js';
import { QueuesInACorner } from '../support/queues-in-a-corner.js';

const SOON = { withinMs: 20_000 };

describe('relaying the outbox', () => {
  let money: MoneyCorner;
  let queues: QueuesInACorner;
  beforeAll(async () => {
    [money, queues] = await Promise.all([MoneyCorner.open(), QueuesInACorner.open()]);
  });
  afterAll(() => Promise.all([money.close(), queues.close()]));
  beforeEach(async () => {
    await money.corner.pool.query('TRUNCATE outbox_events, reward_points');
    await queues.wipe();
  });
  afterEach(() => queues.stopWorkers());

  const letLeasesRunOut = () => money.corner.pool.query('UPDATE outbox_events SET leased_until = now()');
  const anEventOf = (consumer: string, count = 1) =>
    money.corner.pool.query(
      `INSERT INTO outbox_events (consumer, event, sale_id, order_id)
       SELECT $1, 'test', gen_random_uuid(), gen_random_uuid() FROM generate_series(1, $2)`,
      [consumer, count],
    );

  it('hands every event to the queue of its consumer, and keeps its row', async () => {
    await money.orders(3);
    await anEventOf('rewards');
    expect(await queues.relay(money).runOnce()).toBe(4);
    expect([await queues.waiting('payment'), await queues.waiting('rewards')]).toEqual([3, 1]);
    expect(await money.events()).toHaveLength(4);
    expect(await queues.relay(money).runOnce()).toBe(0);
  });

  it('hands an event over again when its lease has run out, and the queue holds it once', async () => {
    await anEventOf('rewards', 2);
    await queues.relay(money).runOnce();
    await letLeasesRunOut();
    expect(await queues.relay(money).runOnce()).toBe(2);
    expect(await queues.waiting('rewards')).toBe(2);
  });

  it('fills a queue again that was wiped', async () => {
    await anEventOf('rewards', 5);
    await queues.relay(money).runOnce();
    await queues.wipe();
    await letLeasesRunOut();
    await queues.relay(money).runOnce();
    expect(await queues.waiting('rewards')).toBe(5);
  });

  it('keeps every event when handing over fails, and hands it over at the next pass after its lease', async () => {
    await anEventOf('rewards', 5);
    const queue = queues.queues.get('rewards');
    jest.spyOn(queue as never, 'addBulk').mockRejectedValueOnce(new Error('the connection broke') as never);
    await expect(queues.relay(money).runOnce()).rejects.toThrow('the connection broke');
    await letLeasesRunOut();
    expect(await queues.relay(money).runOnce()).toBe(5);
  });

  it('takes no lease while the Redis of the queues is away', async () => {
    await anEventOf('rewards');
    const away = await QueuesInACorner.open();
    const relay = away.relay(money);
    await away.close();
    await expect(relay.runOnce()).rejects.toThrow();
    expect(await queues.relay(money).runOnce()).toBe(1);
  });

  it('shares the events among relays that run side by side', async () => {
    await anEventOf('rewards', 900);
    const relays = Array.from({ length: 4 }, () => queues.relay(money));
    const handedOver = await Promise.all(relays.map((relay) => relay.runOnce()));
    while ((await queues.relay(money).runOnce()) > 0);
    expect(handedOver.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(900);
    expect(await queues.waiting('rewards')).toBe(900);
  });

  it('does not let one consumer hold up another: its events wait in Postgres, beyond what its queue may hold', async () => {
    await anEventOf('payment', 6_000);
    await anEventOf('rewards');
    const relay = queues.relay(money);
    while ((await relay.runOnce()) > 0);
    expect([await queues.waiting('payment'), await queues.waiting('rewards')]).toEqual([5_000, 1]);
  });

  it('steps over no event whose transaction commits late', async () => {
    const late = await money.corner.pool.connect();
    await late.query('BEGIN');
    await late.query(`INSERT INTO outbox_events (consumer, event, sale_id, order_id)
                      VALUES ('rewards', 'test', gen_random_uuid(), gen_random_uuid())`);
    await anEventOf('rewards', 2);
    expect(await queues.relay(money).runOnce()).toBe(2);
    await late.query('COMMIT');
    late.release();
    expect(await queues.relay(money).runOnce()).toBe(1);
  });

  describe('to its consumers', () => {
    it('brings a job again that failed, until it succeeds', async () => {
      await anEventOf('rewards', 3);
      const tries = new Map<number, number>();
      queues.work('rewards', ({ eventId }) => {
        tries.set(eventId, (tries.get(eventId) ?? 0) + 1);
        return tries.get(eventId) === 3 ? Promise.resolve() : Promise.reject(new Error('not yet'));
      });
      await queues.relay(money).runOnce();
      await eventually(async () => (await queues.waiting('rewards')) === 0, SOON);
      expect([...tries.values()]).toEqual([3, 3, 3]);
    });

    it('grants points once for each paid order, though the queue is wiped in the middle and every job comes twice', async () => {
      const { saleId, orderIds } = await money.orders(600);
      for (const orderId of orderIds) await money.corner.move(saleId, orderId, 'paid');
      const relay = queues.relay(money);
      const points = new GrantPoints(money.corner.pool);
      let jobs = 0;
      const wiped = { yet: false };
      queues.work('rewards', async (event) => {
        jobs += 1;
        if (jobs === 100) {
          wiped.yet = true;
          await queues.wipe();
        }
        await Promise.all([points.run(event), points.run(event)]);
      });
      await eventually(async () => {
        await relay.runOnce();
        await letLeasesRunOut();
        const { rows } = await money.corner.pool.query("SELECT FROM outbox_events WHERE consumer = 'rewards'");
        return rows.length === 0;
      }, SOON);

      const { rows } = await money.corner.pool.query<{ points: number; orders: number }>(
        'SELECT sum(points)::int AS points, count(*)::int AS orders FROM reward_points WHERE sale_id = $1',
        [saleId],
      );
      expect(wiped.yet).toBe(true);
      expect(rows).toEqual([{ points: 600 * 19, orders: 600 }]);
    });
  });
});
