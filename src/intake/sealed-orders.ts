import type { Pool } from 'pg';
import { Batcher } from '../platform/loop/batcher.js';
import type { Decision, ReserveRequest } from '../stock/decision.js';

interface Asked {
  saleId: string;
  request: ReserveRequest;
}

interface Found {
  position: number;
  orderId: string;
  quantity: number;
  version: number;
  decidedAtMs: number;
}

/** Keys that one query looks up. */
const LOOK_UP_MAX = 500;

/**
 * Answers for sealed sales, of which Redis knows nothing any more: a known key from Postgres as it was answered the first time, any
 * other `ENDED`.
 *
 * Promises:  however many ask, one query at a time looks all of their keys up.
 */
export class SealedOrders {
  readonly #lookUps = new Batcher((asked: readonly Asked[]) => this.lookUp(asked), LOOK_UP_MAX);

  constructor(private readonly pool: Pool) {}

  /** @throws a store error: nothing was written, whatever it is. */
  decide(saleId: string, request: ReserveRequest): Promise<Decision> {
    return this.#lookUps.add({ saleId, request });
  }

  private async lookUp(asked: readonly Asked[]): Promise<Decision[]> {
    const { rows } = await this.pool.query<Found>(
      `SELECT e.position, order_id AS "orderId", quantity, version,
              (extract(epoch FROM decided_at) * 1000)::bigint AS "decidedAtMs"
       FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS e (sale_id, buyer_id, idempotency_key, position)
       JOIN orders USING (sale_id, buyer_id, idempotency_key)`,
      [
        asked.map(({ saleId }) => saleId),
        asked.map(({ request }) => request.buyer),
        asked.map(({ request }) => request.idempotencyKey),
      ],
    );
    const found = new Map(rows.map((row) => [row.position - 1, row]));
    return asked.map(({ request }, index) => decisionOf(request, found.get(index)));
  }
}

function decisionOf(request: ReserveRequest, found: Found | undefined): Decision {
  if (!found) return { outcome: 'ENDED' };
  const { orderId, quantity, version, decidedAtMs } = found;
  if (quantity !== request.quantity) return { outcome: 'KEY_REUSED' };
  return { outcome: 'REPEATED', orderId, version, decidedAtMs };
}
