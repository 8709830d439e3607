import type { PoolClient } from 'pg';
import { patiently } from '../platform/postgres/patience.js';

/** What gateway and orders say of each other, for one sale. */
export interface MoneyDifference {
  kind: 'charge-without-paid-order' | 'paid-without-charge' | 'refund-overdue';
  orderId: string;
  detail: string;
}

/** A charge is found by a walk that has begun well after we were told of it. */
const UNCONFIRMED_FOR_SECONDS = 60;

/** Of each kind; how many more there are is said by the last one. */
const NAMED_MAX = 100;

/** A charge that pays its order has no refund; every other one has one, or is for a human to decide. */
const DIFFERENCES = `
  SELECT 'charge-without-paid-order' AS kind, p.order_id AS "orderId",
         'charged with payment ' || p.payment_id || ', and the order is ' || o.status AS detail
  FROM payments p JOIN orders o USING (sale_id, order_id)
  WHERE o.sale_id = $1 AND p.captured_at IS NOT NULL AND o.status <> 'paid'
    AND NOT EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.payment_id)
  UNION ALL
  SELECT 'charge-without-paid-order', w.order_id,
         'charged ' || coalesce(w.amount_minor::text, '?') || ' ' || coalesce(w.currency, '?') || ' with payment '
           || coalesce(w.payment_id, '?') || ', and the order costs ' || o.amount_minor || ' ' || o.currency
  FROM webhook_events w JOIN orders o USING (order_id)
  WHERE o.sale_id = $1 AND w.outcome = 'other-amount'
    AND NOT EXISTS (SELECT FROM payments p WHERE p.payment_id = w.payment_id AND p.captured_at IS NOT NULL)
  UNION ALL
  SELECT 'paid-without-charge', o.order_id,
         CASE WHEN p.payment_id IS NULL THEN 'paid, and no charge of it is known'
              ELSE 'paid, and the gateway does not list its charge ' || p.payment_id END
  FROM orders o
  LEFT JOIN LATERAL (
    SELECT p.payment_id, p.confirmed_at, p.captured_at, p.gateway FROM payments p
    WHERE p.order_id = o.order_id AND p.captured_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.payment_id)
    ORDER BY p.confirmed_at NULLS LAST LIMIT 1
  ) AS p ON true
  LEFT JOIN gateway_walks g ON g.gateway = p.gateway
  WHERE o.sale_id = $1 AND o.status = 'paid'
    AND (p.payment_id IS NULL
         OR p.confirmed_at IS NULL AND p.captured_at < g.walked_until - make_interval(secs => ${UNCONFIRMED_FOR_SECONDS}))
  UNION ALL
  SELECT 'refund-overdue', r.order_id, 'payment ' || r.payment_id || ' is to be given back since ' || r.due_at
  FROM refunds r JOIN orders o USING (sale_id, order_id)
  WHERE o.sale_id = $1 AND r.done_at IS NULL AND r.due_at < now() - make_interval(secs => $2)`;

/** Reads one snapshot; whatever is in flight between the two stores does not matter to it. */
export async function compareMoney(
  tx: PoolClient,
  saleId: string,
  refundOverdueAfterSeconds: number,
): Promise<MoneyDifference[]> {
  const { rows } = await patiently<MoneyDifference & { count: number }>(
    tx,
    `SELECT kind, "orderId", detail, count FROM (
       SELECT *, count(*) OVER (PARTITION BY kind) AS count,
              row_number() OVER (PARTITION BY kind ORDER BY "orderId") AS nth
       FROM (${DIFFERENCES}) AS d
     ) AS numbered WHERE nth <= ${NAMED_MAX} ORDER BY kind, nth`,
    [saleId, refundOverdueAfterSeconds],
  );
  return rows.map(({ count, detail, ...difference }, index) => {
    const isLastOfMany = count > NAMED_MAX && rows[index + 1]?.kind !== difference.kind;
    return { ...difference, detail: isLastOfMany ? `${detail} (and ${count - NAMED_MAX} more)` : detail };
  });
}
