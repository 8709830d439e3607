import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { Held } from '../platform/lock/held.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { DIFFERENCE_KINDS } from './compare-books.js';
import type { Audit, SaleAudit } from './sale-audit.js';

/** Sales of one pass, those first that were not looked at for the longest time. */
const PER_PASS_MAX = 20;

/**
 * Audits every sale again and again, and keeps what it found last (`audit_findings`).
 *
 * Promises:  a pass that was paused cannot put its old finding over a newer one: the token of its lease is checked in the
 *            transaction that writes.
 * Does not:  mend anything, nor look at a sale again before `afterSeconds`: an audit reads every order of it.
 */
export class ScheduledAudits {
  readonly #differences: Gauge<'kind'>;

  constructor(
    private readonly audits: SaleAudit,
    private readonly pool: Pool,
    private readonly logger: Logger,
    registry: Registry,
    private readonly options: { afterSeconds: () => number },
  ) {
    this.#differences = new Gauge({
      name: 'stampede_audit_differences',
      help: 'Differences that the last audit of each sale found, by kind',
      labelNames: ['kind'],
      registers: [registry],
    });
  }

  /** @returns how many sales it audited. */
  async runOnce(held: Held, goOn: () => void): Promise<number> {
    const saleIds = await this.readDue();
    const failures: Error[] = [];
    for (const saleId of saleIds) {
      goOn();
      try {
        await this.auditOne(saleId, held, goOn);
      } catch (error) {
        failures.push(error as Error); // one that cannot be audited must not keep the others waiting
      }
    }
    await this.count();
    if (failures[0]) throw failures[0];
    return saleIds.length;
  }

  private async auditOne(saleId: string, held: Held, goOn: () => void): Promise<void> {
    const audit = await this.audits.audit(saleId, goOn);
    if (audit) await this.keep(saleId, audit, held);
  }

  private async readDue(): Promise<string[]> {
    const { rows } = await this.pool.query<{ saleId: string }>(
      `SELECT s.sale_id AS "saleId" FROM sales s LEFT JOIN audit_findings f USING (sale_id)
       WHERE f.checked_at IS NULL OR f.checked_at < now() - make_interval(secs => $1)
       ORDER BY f.checked_at NULLS FIRST LIMIT $2`,
      [this.options.afterSeconds(), PER_PASS_MAX],
    );
    return rows.map(({ saleId }) => saleId);
  }

  private async keep(saleId: string, { consistent, quiescent, differences }: Audit, held: Held): Promise<void> {
    await inTransaction(this.pool, async (tx) => {
      await held.require(tx);
      await tx.query(
        `INSERT INTO audit_findings (sale_id, token, consistent, quiescent, differences) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (sale_id) DO UPDATE SET checked_at = now(), token = excluded.token, consistent = excluded.consistent,
           quiescent = excluded.quiescent, differences = excluded.differences`,
        [saleId, held.token, consistent, quiescent, JSON.stringify(differences)],
      );
    });
    if (!consistent) this.logger.error({ saleId, differences: differences.slice(0, 10) }, 'the books of a sale differ');
  }

  private async count(): Promise<void> {
    const { rows } = await this.pool.query<{ kind: string; count: number }>(
      `SELECT d ->> 'kind' AS kind, count(*) FROM audit_findings, jsonb_array_elements(differences) AS d
       WHERE NOT consistent GROUP BY 1`,
    );
    const found = new Map(rows.map(({ kind, count }) => [kind, count]));
    for (const kind of DIFFERENCE_KINDS) this.#differences.set({ kind }, found.get(kind) ?? 0);
  }
}
