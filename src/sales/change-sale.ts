import type { PoolClient } from 'pg';
import { recordAdminAction } from '../platform/postgres/record-admin-action.js';
import { brokenRules, type BrokenRule, type SaleChange } from './new-sale.js';

export interface ChangeWish {
  saleId: string;
  change: SaleChange;
  /** Which version of the sale its operator wants to change. */
  mayChange: (configVersion: number) => boolean;
  operator: string;
}

/** `loaded`: price and currency are those of orders by now. */
export type Changed = 'changed' | 'unknown-sale' | 'stale' | 'sealed' | 'loaded' | { breaks: BrokenRule[] };

type Terms = Required<SaleChange> & { configVersion: number; lanes: number; isSealed: boolean };

/** A time as the contract has it, to the millisecond. */
const at = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * Changes the terms of a sale in the caller's transaction. Those who change it at once wait for one another at its row; who announces it to
 * Redis waits at the rows of its lanes, so that nobody buys at a price that is being changed.
 */
export async function changeSale(tx: PoolClient, wish: ChangeWish): Promise<Changed> {
  const { saleId, change, mayChange, operator } = wish;
  const terms = await lockTerms(tx, saleId);
  if (!terms) return 'unknown-sale';
  if (!mayChange(terms.configVersion)) return 'stale';
  if (terms.isSealed) return 'sealed';
  const { configVersion, isSealed, ...now } = terms;
  const next = { ...now, ...change };
  const breaks = brokenRules({ ...next, stock: 0, requiresPass: false });
  if (breaks.length > 0) return { breaks };
  const costsOther = next.priceMinor !== now.priceMinor || next.currency !== now.currency;
  if (costsOther && (await isAnnounced(tx, saleId))) return 'loaded';

  await tx.query(
    `UPDATE sales SET name = $2, sku = $3, price_minor = $4, currency = $5, per_user_limit = $6, max_per_order = $7,
                      starts_at = $8, ends_at = $9, payment_window_seconds = $10, config_version = config_version + 1
     WHERE sale_id = $1`,
    [
      saleId,
      ...[next.name, next.sku, next.priceMinor, next.currency, next.perUserLimit, next.maxPerOrder],
      ...[next.startsAt, next.endsAt, next.paymentWindowSeconds],
    ],
  );
  await recordAdminAction(tx, { actor: operator, action: 'sale.change', subject: saleId, detail: change });
  return 'changed';
}

async function lockTerms(tx: PoolClient, saleId: string): Promise<Terms | undefined> {
  const { rows } = await tx.query<Terms>(
    `SELECT name, sku, price_minor AS "priceMinor", currency, per_user_limit AS "perUserLimit",
            max_per_order AS "maxPerOrder", ${at('starts_at')} AS "startsAt", ${at('ends_at')} AS "endsAt",
            payment_window_seconds AS "paymentWindowSeconds", config_version AS "configVersion", lanes,
            sealed_at IS NOT NULL AS "isSealed"
     FROM sales WHERE sale_id = $1 FOR NO KEY UPDATE`,
    [saleId],
  );
  return rows[0];
}

async function isAnnounced(tx: PoolClient, saleId: string): Promise<boolean> {
  const { rows } = await tx.query<{ isAnnounced: boolean }>(
    `SELECT loaded_epoch IS NOT NULL AS "isAnnounced" FROM sale_lanes WHERE sale_id = $1 ORDER BY lane FOR NO KEY UPDATE`,
    [saleId],
  );
  return rows.some((lane) => lane.isAnnounced);
}
