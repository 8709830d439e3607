import { request } from 'undici';
import { eventually } from '../support/eventually.js';
import { query } from '../support/stores.js';
import type { TestSystem } from '../support/system.js';

const SETTLED_WITHIN_MS = 90_000;

/** Every order of a sale, with what became of its money on both sides. */
export interface OrderWithMoney {
  orderId: string;
  status: string;
  /** Payments that the gateway has charged, as we know. */
  charges: string[];
  /** Payments that are back, or are to go back. */
  refunds: { paymentId: string; isDone: boolean }[];
  points: number;
}

export async function ordersOf(system: TestSystem, saleId: string): Promise<OrderWithMoney[]> {
  return query<OrderWithMoney & Record<string, unknown>>(
    system.databaseUrl,
    `SELECT order_id AS "orderId", status,
            ARRAY(SELECT payment_id FROM payments p WHERE p.order_id = o.order_id AND captured_at IS NOT NULL) AS charges,
            (SELECT coalesce(json_agg(json_build_object('paymentId', payment_id, 'isDone', done_at IS NOT NULL)), '[]')
             FROM refunds r WHERE r.order_id = o.order_id) AS refunds,
            (SELECT count(*)::int FROM reward_points w WHERE w.order_id = o.order_id) AS points
     FROM orders o WHERE sale_id = $1 ORDER BY version`,
    [saleId],
  );
}

/** The charges that the gateway itself has for these orders, and how many of them it has given back. */
async function atTheGateway(system: TestSystem, orderIds: readonly string[]): Promise<Map<string, string[]>> {
  const charges = new Map<string, string[]>();
  let after: string | null = '0';
  while (after !== null) {
    const { body } = await request(`${system.simulatorUrl}/charges?since=0&limit=1000&after=${after}`);
    const page = (await body.json()) as { charges: { orderId: string; paymentId: string }[]; next: string | null };
    for (const { orderId, paymentId } of page.charges) {
      charges.set(orderId, [...(charges.get(orderId) ?? []), paymentId]);
    }
    after = page.next;
  }
  return new Map(orderIds.map((orderId) => [orderId, charges.get(orderId) ?? []]));
}

async function isGivenBack(system: TestSystem, paymentId: string): Promise<boolean> {
  const { body } = await request(`${system.simulatorUrl}/payments/${paymentId}`);
  return ((await body.json()) as { refund: { status: string } | null }).refund?.status === 'succeeded';
}

/** Nobody is to be told of anything any more, and every order was charged. */
async function requireSettled(system: TestSystem): Promise<void> {
  const [left] = await query<{ count: number }>(
    system.databaseUrl,
    `SELECT (SELECT count(*) FROM outbox_events)::int + (SELECT count(*) FROM webhook_events WHERE applied_at IS NULL)::int
            + (SELECT count(*) FROM orders WHERE status = 'pending_payment')::int AS count`,
  );
  expect(left).toEqual({ count: 0 });
}

async function requireTrue(system: TestSystem, saleId: string, fate: 'paid' | 'expired'): Promise<void> {
  await requireSettled(system);
  const orders = await ordersOf(system, saleId);
  const charged = await atTheGateway(
    system,
    orders.map(({ orderId }) => orderId),
  );
  const isPaid = fate === 'paid';
  for (const order of orders) {
    expect(order).toMatchObject({ status: fate, points: isPaid ? 1 : 0, charges: [expect.any(String)] });
    expect(charged.get(order.orderId)).toEqual(order.charges);
    expect(order.refunds).toEqual(isPaid ? [] : [{ paymentId: order.charges[0], isDone: true }]);
    expect(await isGivenBack(system, order.charges[0] ?? '')).toBe(!isPaid);
  }
}

/** In the end everything is as if nothing had been killed: each order is charged once, and keeps the money or has it back once. */
export async function expectTrueMoney(system: TestSystem, saleId: string, fate: 'paid' | 'expired'): Promise<void> {
  await eventually(() => requireTrue(system, saleId, fate), { withinMs: SETTLED_WITHIN_MS });
  expect(await system.quiescentAudit(saleId)).toMatchObject({ consistent: true, deadLettersOpen: 0 });
}
