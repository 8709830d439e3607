import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { AcceptedOrder } from '../order-stream/accepted-order.js';
import type { HeldOrder } from '../stock/buyer-record.js';
import { epochOf } from '../stock/version.js';

/** What becomes of an order whose letter is discarded. */
export type Fate =
  /** Redis holds its units: it is owed to compensation, as any order that is finished unpaid. */
  | 'owed'
  /** A rebuild came between, and Redis holds nothing of it. */
  | 'passed-over'
  /** Nobody has accepted it: the entry was not written by the reserve script. */
  | 'forged';

/** Pure. @param held what the buyer has in Redis by this order id, in that epoch of an open lane. */
export function judgeFate(order: AcceptedOrder, held: HeldOrder | undefined, epoch: number): Fate {
  if (held) return isSame(held, order) ? 'owed' : 'forged';
  return epochOf(order.version) < epoch ? 'passed-over' : 'forged';
}

const isSame = (held: HeldOrder, order: AcceptedOrder): boolean =>
  held.version === order.version && held.quantity === order.quantity && held.idempotencyKey === order.idempotencyKey;

/**
 * The key stands on record only where Redis has it too, for only then nobody else can come to use it: the buyer of an order that a
 * rebuild has passed over may have used the key anew. All others get one that no buyer can know. The order id would not do: who
 * knows it could send it as a key, and the database would refuse an order that Redis has accepted.
 */
const INSERT = `
  INSERT INTO orders (sale_id, order_id, version, released_version, amount_minor, decided_at, expires_at, finished_at,
                      status, quantity, lane, currency, buyer_id, idempotency_key)
  SELECT e.sale_id, e.order_id, e.version, e.released_version, e.quantity::bigint * s.price_minor,
         to_timestamp(e.decided_at_ms / 1000.0), to_timestamp(e.decided_at_ms / 1000.0), now(),
         'rejected', e.quantity, sl.lane, s.currency, e.buyer_id,
         CASE WHEN EXISTS (
           SELECT FROM orders o WHERE (o.sale_id, o.buyer_id, o.idempotency_key) = (e.sale_id, e.buyer_id, e.key)
         ) THEN e.own_key ELSE e.key END
  FROM (VALUES ($2::uuid, $3::uuid, $4::bigint, $5::bigint, $6::integer, $7::bigint, $8, $9, $10))
         AS e (sale_id, order_id, version, released_version, quantity, decided_at_ms, buyer_id, key, own_key)
  JOIN sales s ON s.sale_id = e.sale_id
  JOIN sale_lanes sl ON sl.sale_id = e.sale_id AND sl.lane = $1
  ON CONFLICT (sale_id, order_id) DO NOTHING`;

/**
 * Puts an accepted order on record that could not be stored, as rejected, in the caller's transaction, which has locked the
 * lane's row and seen that the lane is still in this epoch. It holds nothing in Postgres. Its acceptance counts as a decision of
 * the lane, if it is one of this epoch.
 *
 * @returns what Postgres has recorded of the lane now; undefined when its row is there already, whatever it says.
 */
export async function insertRejected(
  tx: PoolClient,
  { lane, epoch }: { lane: number; epoch: number },
  { order, fate }: { order: AcceptedOrder; fate: Exclude<Fate, 'forged'> },
): Promise<{ epoch: number; recorded: number } | undefined> {
  const { saleId, orderId, version, quantity, decidedAtMs, buyer, idempotencyKey } = order;
  const ownKey = `discarded-${randomUUID()}`;
  const { rowCount } = await tx.query(INSERT, [
    lane,
    saleId,
    orderId,
    version,
    fate === 'passed-over' ? version : null,
    quantity,
    decidedAtMs,
    buyer,
    fate === 'owed' ? idempotencyKey : ownKey,
    ownKey,
  ]);
  if (rowCount === 0) return undefined;
  const isOfThisEpoch = epochOf(version) === epoch;
  const { rows } = await tx.query<{ epoch: number; recorded: number }>(
    `UPDATE lanes SET recorded = recorded + $2, max_version = greatest(max_version, $3) WHERE lane = $1
     RETURNING epoch, recorded`,
    [lane, Number(isOfThisEpoch), isOfThisEpoch ? version : 0],
  );
  return rows[0];
}
