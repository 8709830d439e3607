import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { SaleConfiguration, Stock } from '../stock/stock.js';

/** One sale in one lane, as Postgres has it. */
interface SaleLane {
  saleId: string;
  lane: number;
  total: number;
  loadedEpoch: number | null;
  isLoaded: boolean;
  configuration: SaleConfiguration;
}

/** Bounds one pass; the next one takes others: those of a closed lane have to wait, and must not keep back the rest. */
const PER_PASS_MAX = 500;

/**
 * Brings what Postgres says of a sale into its lanes: its stock once, its configuration whenever it changes.
 *
 * Promises:  a sale is announced in Postgres (`loaded_epoch`) before Redis hears of it, and confirmed (`loaded_at`)
 *            afterwards. Until it is confirmed loading may be repeated, for the script loads only what is absent.
 * Promises:  a confirmed sale is never loaded again: if it is missing, units may be in the stream, and the guard closes
 *            the lane.
 * Does not:  write into a closed lane; the next pass after it was opened does.
 */
export class SaleLoader {
  constructor(
    private readonly pool: Pool,
    private readonly stock: Stock,
    private readonly logger: Logger,
  ) {}

  /** @returns how many lanes of sales are up to date now that were not before. */
  async runOnce(): Promise<number> {
    const behind = await this.readBehind(undefined);
    const results = await Promise.allSettled(behind.map((saleLane) => this.bringUpToDate(saleLane)));
    // One that fails does not keep the others back.
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return results.filter((result) => result.status === 'fulfilled' && result.value).length;
  }

  /** The same for one sale, at once. @returns false while one of its lanes is closed. */
  async push(saleId: string): Promise<boolean> {
    const behind = await this.readBehind(saleId);
    const done = await Promise.all(behind.map((saleLane) => this.bringUpToDate(saleLane)));
    return done.every(Boolean);
  }

  private async bringUpToDate(saleLane: SaleLane): Promise<boolean> {
    const loaded = saleLane.isLoaded ? 'PRESENT' : await this.load(saleLane);
    // What was there already may have been loaded under an older configuration.
    const outcome = loaded === 'PRESENT' ? await this.configure(saleLane) : loaded;
    if (outcome === 'UNAVAILABLE' || outcome === 'MISSING') return false;
    await this.confirm(saleLane);
    this.logger.info({ saleId: saleLane.saleId, lane: saleLane.lane, outcome }, 'sale brought up to date');
    return true;
  }

  private async load(saleLane: SaleLane): ReturnType<Stock['load']> {
    const { lane, saleId, total, configuration } = saleLane;
    const epoch = saleLane.loadedEpoch ?? (await this.announce(saleLane));
    return epoch === undefined ? 'UNAVAILABLE' : this.stock.load(lane, saleId, { epoch, total, configuration });
  }

  private configure({ lane, saleId, configuration }: SaleLane): ReturnType<Stock['configure']> {
    return this.stock.configure(lane, saleId, configuration);
  }

  /** Under the lock of the lane's row: a guard that opens an empty lane looks for announced sales under the same. */
  private async announce({ saleId, lane }: SaleLane): Promise<number | undefined> {
    const { rows } = await this.pool.query<{ epoch: number }>(
      `WITH fence AS MATERIALIZED (SELECT epoch FROM lanes WHERE lane = $2 AND run_id IS NOT NULL FOR NO KEY UPDATE)
       UPDATE sale_lanes SET loaded_epoch = coalesce(loaded_epoch, fence.epoch) FROM fence
       WHERE sale_id = $1 AND lane = $2 RETURNING loaded_epoch AS epoch`,
      [saleId, lane],
    );
    return rows[0]?.epoch;
  }

  private async confirm({ saleId, lane, configuration }: SaleLane): Promise<void> {
    await this.pool.query(
      `UPDATE sale_lanes SET loaded_at = coalesce(loaded_at, now()), config_version = greatest(config_version, $3)
       WHERE sale_id = $1 AND lane = $2`,
      [saleId, lane, configuration.version],
    );
  }

  private async readBehind(saleId: string | undefined): Promise<SaleLane[]> {
    const { rows } = await this.pool.query<Omit<SaleLane, 'configuration'> & SaleConfiguration>(
      `SELECT sl.sale_id AS "saleId", sl.lane, sl.total, sl.loaded_epoch AS "loadedEpoch",
              sl.loaded_at IS NOT NULL AS "isLoaded", s.config_version AS version, s.paused,
              s.ended_at IS NOT NULL AS ended, s.per_user_limit AS "perUserLimit",
              (extract(epoch FROM s.starts_at) * 1000)::bigint AS "startsAtMs",
              (extract(epoch FROM s.ends_at) * 1000)::bigint AS "endsAtMs"
       FROM sale_lanes sl JOIN sales s USING (sale_id)
       WHERE (sl.loaded_at IS NULL OR sl.config_version < s.config_version) AND s.sealed_at IS NULL
         AND sl.sale_id = coalesce($1, sl.sale_id)
       ORDER BY random() LIMIT $2`,
      [saleId ?? null, PER_PASS_MAX],
    );
    return rows.map(({ version, paused, ended, startsAtMs, endsAtMs, perUserLimit, ...saleLane }) => ({
      ...saleLane,
      configuration: { version, paused, ended, startsAtMs, endsAtMs, perUserLimit },
    }));
  }
}
