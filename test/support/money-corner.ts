import { Registry } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import { ExpireUnpaidOrders } from '../../src/expiry/expire-unpaid-orders.js';
import { OrderChanges } from '../../src/orders/order-changes.js';
import type { GatewayEvent } from '../../src/payment/payment-gateway.js';
import { SettleWebhooks } from '../../src/payment/settle-webhooks.js';
import { WebhookInbox } from '../../src/payment/webhook-inbox.js';
import { WebhookMetrics } from '../../src/payment/webhook-metrics.js';
import { aRequest, Corner } from './corner.js';
import { silent } from './lane-parts.js';
import { ownDatabase } from './own-database.js';

export interface ShownOrder {
  status: string;
  refund: string | null;
}

/** The price of one unit of a corner's sale. */
export const PRICE_MINOR = 1999;

/** A corner with a database of its own, and what settles money in it. */
export class MoneyCorner {
  readonly changes: OrderChanges;
  readonly expiry: ExpireUnpaidOrders;
  readonly inbox: WebhookInbox;

  private constructor(
    readonly corner: Corner,
    readonly databaseUrl: string,
    private readonly drop: () => Promise<void>,
  ) {
    this.changes = new OrderChanges(corner.redis);
    this.expiry = new ExpireUnpaidOrders(corner.pool, this.changes, new Registry());
    this.inbox = new WebhookInbox(corner.pool, silent);
  }

  static async open(): Promise<MoneyCorner> {
    const { url, drop } = await ownDatabase();
    return new MoneyCorner(await Corner.open(url), url, drop);
  }

  async close(): Promise<void> {
    await this.corner.close();
    await this.drop();
  }

  /** One worker's. */
  settler(logger = silent, registry = new Registry()): SettleWebhooks {
    return new SettleWebhooks(this.corner.pool, this.changes, new WebhookMetrics(registry), logger, 'http');
  }

  /** A sale, and as many stored orders of one unit by as many buyers. */
  async orders(count: number): Promise<{ saleId: string; orderIds: string[] }> {
    const saleId = await this.corner.sale({ stock: count });
    const requests = Array.from({ length: count }, () => aRequest());
    for (let from = 0; from < count; from += 500) {
      await this.corner.stock.reserve(this.corner.lane, saleId, { requests: requests.slice(from, from + 500) });
    }
    const worker = this.corner.worker();
    while ((await worker.runOnce()) > 0);
    return { saleId, orderIds: requests.map(({ orderId }) => orderId) };
  }

  async order(): Promise<{ saleId: string; orderId: string }> {
    const { saleId, orderIds } = await this.orders(1);
    return { saleId, orderId: orderIds[0] ?? '' };
  }

  /** Its time to pay is over now. */
  async letTimeRunOut(saleId: string): Promise<void> {
    await this.corner.pool.query('UPDATE orders SET expires_at = now() WHERE sale_id = $1', [saleId]);
  }

  /** One pass of expiry, under its lease. */
  expire(): Promise<number> {
    return this.corner.underLease('expiry', (held) => this.expiry.runOnce(held));
  }

  /** Kept as the API keeps it. */
  keep(event: GatewayEvent): Promise<void> {
    return this.inbox.keep(event, Buffer.from(JSON.stringify(event)));
  }

  async shown(saleId: string): Promise<ShownOrder[]> {
    const { rows } = await this.corner.pool.query<ShownOrder>(
      `SELECT status, (SELECT CASE WHEN done_at IS NULL THEN 'due' ELSE 'done' END FROM refunds r
                       WHERE r.order_id = o.order_id) AS refund
       FROM orders o WHERE sale_id = $1 ORDER BY version`,
      [saleId],
    );
    return rows;
  }

  async outcomes(): Promise<(string | null)[]> {
    const { rows } = await this.corner.pool.query<{ outcome: string | null }>(
      'SELECT outcome FROM webhook_events ORDER BY received_at, id',
    );
    return rows.map(({ outcome }) => outcome);
  }

  async events(): Promise<string[]> {
    const { rows } = await this.corner.pool.query<{ event: string }>(
      'SELECT event FROM outbox_events ORDER BY event_id',
    );
    return rows.map(({ event }) => event);
  }
}

/** The gateway says that an order is paid. */
export const aCharge = (orderId: string, wishes: Partial<GatewayEvent> = {}): GatewayEvent => ({
  id: `evt_${uuidv7()}`,
  type: 'payment.succeeded',
  paymentId: `pay_${orderId}`,
  orderId,
  amountMinor: PRICE_MINOR,
  currency: 'USD',
  ...wishes,
});
