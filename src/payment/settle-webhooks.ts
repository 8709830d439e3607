import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { OrderChanges } from '../orders/order-changes.js';
import { moveOrders } from '../ledger/move-orders.js';
import { appendEvents } from '../outbox/append-event.js';
import { failpoint } from '../platform/failpoint.js';
import { byKeys } from '../platform/postgres/by-keys.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { type JudgedOrder, judgeWebhook, type KeptEvent, type WebhookOutcome } from './judge-webhook.js';
import type { WebhookMetrics } from './webhook-metrics.js';

interface Judged {
  event: KeptEvent;
  order: JudgedOrder | undefined;
  outcome: WebhookOutcome | 'wait';
}

const PER_PASS_MAX = 500;

const TAKE = `
  SELECT id, type, payment_id AS "paymentId", order_id AS "orderId", amount_minor AS "amountMinor", currency,
         extract(epoch FROM now() - received_at)::float8 AS "ageSeconds"
  FROM webhook_events WHERE applied_at IS NULL AND look_at <= now()
  ORDER BY look_at LIMIT ${PER_PASS_MAX} FOR UPDATE SKIP LOCKED`;

const LOCK_ORDERS = `
  SELECT sale_id AS "saleId", order_id AS "orderId", status, amount_minor AS "amountMinor", currency
  FROM orders WHERE order_id = ANY($1::uuid[]) ORDER BY sale_id, order_id FOR NO KEY UPDATE`;

const SELECT_CAPTURED = `
  SELECT order_id AS "orderId", payment_id AS "paymentId" FROM payments
  WHERE order_id = ANY($1::uuid[]) AND captured_at IS NOT NULL`;

/** The payment may be unknown here: the gateway has it, and our own call had failed. */
const RECORD_CHARGES = `
  INSERT INTO payments (payment_id, sale_id, order_id, amount_minor, currency, gateway, captured_at)
  SELECT e.payment_id, e.sale_id, e.order_id, e.amount_minor, e.currency, $6, now()
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[])
         AS e (payment_id, sale_id, order_id, amount_minor, currency)
  ORDER BY e.payment_id
  ON CONFLICT (payment_id) DO UPDATE SET captured_at = coalesce(payments.captured_at, now())`;

/** A payment is given back once; what has a refund already is not announced again. */
const RECORD_REFUNDS = `
  WITH due AS (
    INSERT INTO refunds (payment_id, sale_id, order_id, amount_minor, currency)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[]) ORDER BY 1
    ON CONFLICT (payment_id) DO NOTHING
    RETURNING sale_id, order_id
  ), announced AS (${appendEvents('refund.due', 'due')}
  )
  SELECT FROM due`;

const FINISH_REFUNDS = `
  UPDATE refunds SET done_at = now() WHERE payment_id = ANY($1::text[]) AND done_at IS NULL
  RETURNING order_id AS "orderId"`;

/** Who waits is looked at again after half the time that it has waited: at once while it is young. */
const CLOSE = `
  UPDATE webhook_events w SET outcome = e.outcome,
    applied_at = CASE WHEN e.outcome <> 'wait' THEN now() END,
    look_at = CASE WHEN e.outcome = 'wait'
      THEN now() + greatest(least((now() - received_at) / 2, interval '10 min'), interval '250 ms') ELSE look_at END
  FROM unnest($1::text[], $2::text[]) AS e (id, outcome) WHERE w.id = e.id`;

/**
 * Acts on what gateways have told us: a batch of webhooks in one transaction.
 *
 * Promises:  money that comes for an order that waits for it pays the order; for any other it becomes one refund. Which of
 *            payment, expiry and cancellation was first, the lock of the order decides.
 * Promises:  repeated, reordered or late, a webhook has its effect once. One about an order that is not stored yet waits for it.
 * Does not:  touch the row of the sale: a paid order goes on holding its units.
 */
export class SettleWebhooks {
  constructor(
    private readonly pool: Pool,
    private readonly changes: OrderChanges,
    private readonly metrics: WebhookMetrics,
    private readonly logger: Logger,
    private readonly gateway: string,
  ) {}

  /** @returns how many webhooks it has dealt with. */
  async runOnce(): Promise<number> {
    const { judged, changed } = await inTransaction(this.pool, (tx) => this.settle(tx));
    if (judged.length > 0) failpoint('webhooks-settled');
    this.changes.publish(changed);
    for (const { event, order, outcome } of judged) {
      if (outcome === 'wait') continue;
      this.metrics.settled(outcome);
      if (outcome === 'other-amount' || outcome === 'unknown-order') this.alarm(event, order, outcome);
    }
    return judged.filter(({ outcome }) => outcome !== 'wait').length;
  }

  private async settle(tx: PoolClient): Promise<{ judged: Judged[]; changed: string[] }> {
    await byKeys(tx);
    const { rows } = await tx.query<KeptEvent>(TAKE);
    if (rows.length === 0) return { judged: [], changed: [] };
    const events = onePerOrder(rows);
    const orders = await lockOrders(
      tx,
      events.flatMap(({ orderId }) => orderId ?? []),
    );
    const judged = events.map((event): Judged => {
      const order = event.orderId === null ? undefined : orders.get(event.orderId);
      return { event, order, outcome: judgeWebhook(event, order) };
    });
    const changed = await this.act(tx, judged);
    await tx.query(CLOSE, [judged.map(({ event }) => event.id), judged.map(({ outcome }) => outcome)]);
    return { judged, changed };
  }

  /** @returns the orders that look different now. */
  private async act(tx: PoolClient, judged: readonly Judged[]): Promise<string[]> {
    const having = (...outcomes: Judged['outcome'][]) => judged.filter(({ outcome }) => outcomes.includes(outcome));
    const paid = having('paid').flatMap(({ order }) => order ?? []);
    const moved = await moveOrders(tx, paid, { from: 'pending_payment', to: 'paid' });
    if (moved.length !== paid.length) throw new Error('Bug: an order has left pending_payment while it was locked');

    const charges = columnsOf(having('paid', 'refund-due'));
    if (charges[0].length > 0) await tx.query(RECORD_CHARGES, [...charges, this.gateway]);
    const due = columnsOf(having('refund-due'));
    if (due[0].length > 0) await tx.query(RECORD_REFUNDS, due);
    const given = having('refund-done').flatMap(({ event }) => event.paymentId ?? []);
    const done = given.length > 0 ? (await tx.query<{ orderId: string }>(FINISH_REFUNDS, [given])).rows : [];
    return [...moved.map(({ orderId }) => orderId), ...due[2], ...done.map(({ orderId }) => orderId)];
  }

  private alarm({ id, paymentId }: KeptEvent, order: JudgedOrder | undefined, outcome: WebhookOutcome): void {
    this.logger.error(
      { webhookId: id, paymentId, orderId: order?.orderId, outcome },
      'money has come that pays no order',
    );
  }
}

/** The others of an order are judged in a later pass, by what the first has changed. */
function onePerOrder(events: readonly KeptEvent[]): KeptEvent[] {
  const seen = new Set<string>();
  return events.filter(({ orderId }) => {
    if (orderId === null) return true;
    return !seen.has(orderId) && seen.add(orderId);
  });
}

async function lockOrders(tx: PoolClient, orderIds: readonly string[]): Promise<Map<string, JudgedOrder>> {
  const { rows } = await tx.query<Omit<JudgedOrder, 'capturedPaymentIds'>>(LOCK_ORDERS, [orderIds]);
  // Only now that the orders are locked nobody else records charges of theirs.
  const captured = await tx.query<{ orderId: string; paymentId: string }>(SELECT_CAPTURED, [orderIds]);
  const paymentsOf = new Map<string, string[]>();
  for (const { orderId, paymentId } of captured.rows) {
    paymentsOf.set(orderId, [...(paymentsOf.get(orderId) ?? []), paymentId]);
  }
  return new Map(rows.map((row) => [row.orderId, { ...row, capturedPaymentIds: paymentsOf.get(row.orderId) ?? [] }]));
}

type Columns = [paymentIds: string[], saleIds: string[], orderIds: string[], amounts: number[], currencies: string[]];

/** Of money that is what the order costs. */
function columnsOf(judged: readonly Judged[]): Columns {
  const columns: Columns = [[], [], [], [], []];
  for (const { event, order } of judged) {
    if (!order || event.paymentId === null) continue;
    columns[0].push(event.paymentId);
    columns[1].push(order.saleId);
    columns[2].push(order.orderId);
    columns[3].push(order.amountMinor);
    columns[4].push(order.currency);
  }
  return columns;
}
