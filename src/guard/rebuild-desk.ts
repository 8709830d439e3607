import type { Pool } from 'pg';
import { recordAdminAction } from '../platform/postgres/record-admin-action.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { leaseOf } from './lane-guard.js';

/** Where an operator asks for a rebuild. A guard carries it out at its next look, wherever it runs. */
export class RebuildDesk {
  constructor(private readonly pool: Pool) {}

  /** @returns the lanes that will be rebuilt; `running` when a rebuild of one of them runs, or was asked for. */
  ask(saleId: string, operator: string): Promise<number[] | 'running' | 'unknown-sale'> {
    return inTransaction(this.pool, async (tx) => {
      const { rows } = await tx.query<{ lane: number; isAsked: boolean }>(
        `SELECT lane, rebuild_asked IS NOT NULL AS "isAsked" FROM lanes
         WHERE lane IN (SELECT lane FROM sale_lanes WHERE sale_id = $1) ORDER BY lane FOR NO KEY UPDATE`,
        [saleId],
      );
      if (rows.length === 0) return 'unknown-sale';
      const lanes = rows.map(({ lane }) => lane);
      const running = await tx.query('SELECT FROM leases WHERE name = ANY($1::text[]) AND expires_at > now()', [
        lanes.map(leaseOf),
      ]);
      if (running.rowCount !== 0 || rows.some(({ isAsked }) => isAsked)) return 'running';

      await tx.query('UPDATE lanes SET rebuild_asked = $2 WHERE lane = ANY($1::smallint[])', [
        lanes,
        `${operator} asked for a rebuild`,
      ]);
      await recordAdminAction(tx, { actor: operator, action: 'sale.rebuild', subject: saleId, detail: { lanes } });
      return lanes;
    });
  }
}
