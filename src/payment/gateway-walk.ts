import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Held } from '../platform/lock/held.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { Charge, PaymentGateway } from './payment-gateway.js';

/** Gateways list a charge some time after they took it, and their clocks are not ours. */
const OVERLAP_SECONDS = 600;
/** A charge that is not found for so long is left to the audit, which names it; the walk need not begin at it for ever. */
const CONFIRM_WITHIN_DAYS = 7;

/** Begins before the first charge that we believe in and have not found yet: no order is charged before it is placed. */
const WHERE_TO_BEGIN = `
  SELECT now() AS "now", least(
    coalesce((SELECT walked_until FROM gateway_walks WHERE gateway = $1), (SELECT min(created_at) FROM sales), now())
      - make_interval(secs => ${OVERLAP_SECONDS}),
    (SELECT min(o.decided_at) FROM payments p JOIN orders o USING (sale_id, order_id)
     WHERE p.gateway = $1 AND p.captured_at IS NOT NULL AND p.confirmed_at IS NULL
       AND p.recorded_at > now() - make_interval(days => ${CONFIRM_WITHIN_DAYS}))
  ) AS since`;

const CONFIRM = `
  UPDATE payments SET confirmed_at = now()
  FROM unnest($1::text[], $2::bigint[], $3::text[]) AS c (payment_id, amount_minor, currency)
  WHERE payments.payment_id = c.payment_id AND payments.amount_minor = c.amount_minor AND payments.currency = c.currency
    AND captured_at IS NOT NULL AND confirmed_at IS NULL`;

/** As if the gateway had told us, for it should have: what settles webhooks settles this too. */
const TELL = `
  INSERT INTO webhook_events (id, type, payment_id, order_id, amount_minor, currency, body_hash)
  SELECT 'charge-of-' || c.payment_id, 'payment.succeeded', c.payment_id, c.order_id, c.amount_minor, c.currency, ''
  FROM unnest($1::text[], $2::bigint[], $3::text[], $4::uuid[]) AS c (payment_id, amount_minor, currency, order_id)
  WHERE NOT EXISTS (SELECT FROM payments p WHERE p.payment_id = c.payment_id AND p.captured_at IS NOT NULL)
  ORDER BY 1
  ON CONFLICT (id) DO NOTHING`;

/**
 * Compares the charges of the gateway with ours.
 *
 * Promises:  a charge that we were never told of is settled as if its webhook had come.
 * Promises:  `confirmed_at` says that the gateway has this charge. The audit names those of paid orders that it has not.
 */
export class GatewayWalk {
  constructor(
    private readonly pool: Pool,
    private readonly gateway: PaymentGateway,
    private readonly logger: Logger,
  ) {}

  /** One walk over the charges since the last one. @param goOn called before each page is looked at; throws to stop. @returns how many of them we had not been told of. */
  async runOnce(held: Held, goOn: () => void = () => undefined): Promise<number> {
    const { rows } = await this.pool.query<{ now: Date; since: Date }>(WHERE_TO_BEGIN, [this.gateway.name]);
    const { now, since } = rows[0] as { now: Date; since: Date };
    let untold = 0;
    for await (const charges of this.gateway.chargesSince(since, held.signal)) {
      goOn();
      if (charges.length > 0) untold += await this.compare(charges, held);
    }
    await inTransaction(this.pool, async (tx) => {
      await held.require(tx);
      await tx.query(
        `INSERT INTO gateway_walks (gateway, walked_until) VALUES ($1, $2)
         ON CONFLICT (gateway) DO UPDATE SET walked_until = excluded.walked_until`,
        [this.gateway.name, now],
      );
    });
    if (untold > 0) this.logger.warn({ untold }, 'the gateway has charges of which it had not told us');
    return untold;
  }

  private compare(charges: readonly Charge[], held: Held): Promise<number> {
    const columns = [
      charges.map(({ paymentId }) => paymentId),
      charges.map(({ amountMinor }) => amountMinor),
      charges.map(({ currency }) => currency),
    ];
    return inTransaction(this.pool, async (tx) => {
      await held.require(tx);
      await tx.query(CONFIRM, columns);
      const { rowCount } = await tx.query(TELL, [...columns, charges.map(({ orderId }) => orderId)]);
      return rowCount ?? 0;
    });
  }
}
