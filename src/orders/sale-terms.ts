import type { Pool } from 'pg';

/** What a sale never changes once orders may come in, and an order is placed under. */
export interface SaleTerms {
  saleId: string;
  startsAtMs: number;
  priceMinor: number;
  currency: string;
  maxPerOrder: number;
  /** Lanes that carry the sale. */
  lanes: number;
}

/** Sales that a process may hold in mind, and ids that it knows to be nobody's: bounds what a client can make it keep. */
const KNOWN_SALES_MAX = 10_000;
const UNKNOWN_SALES_MAX = 10_000;
/** How long an unknown id may stay unknown: a sale that was just created is sold at the latest after this. */
const UNKNOWN_FOR_MS = 1_000;

/**
 * The terms of a sale, read from Postgres once per process. They are fixed, so there is nothing to invalidate; all that
 * can change about a sale (paused, ended, stock) is decided by the reserve script.
 */
export class SaleTermsReader {
  readonly #known = new Map<string, SaleTerms>();
  readonly #unknownUntilMs = new Map<string, number>();
  readonly #asked = new Map<string, Promise<SaleTerms | undefined>>();

  constructor(private readonly pool: Pool) {}

  /** At once, when this process has read them before. */
  remembered(saleId: string): SaleTerms | undefined {
    return this.#known.get(saleId);
  }

  /** @returns undefined when there is no such sale. Callers that ask at once for the same sale share one query. */
  async read(saleId: string): Promise<SaleTerms | undefined> {
    const known = this.#known.get(saleId);
    if (known) return known;
    if ((this.#unknownUntilMs.get(saleId) ?? 0) > Date.now()) return undefined;

    const asked = this.#asked.get(saleId) ?? this.ask(saleId);
    this.#asked.set(saleId, asked);
    return asked;
  }

  private async ask(saleId: string): Promise<SaleTerms | undefined> {
    try {
      const terms = await selectTerms(this.pool, saleId);
      if (terms) {
        makeRoom(this.#known, KNOWN_SALES_MAX).set(saleId, terms);
      } else {
        makeRoom(this.#unknownUntilMs, UNKNOWN_SALES_MAX).set(saleId, Date.now() + UNKNOWN_FOR_MS);
      }
      return terms;
    } finally {
      this.#asked.delete(saleId);
    }
  }
}

async function selectTerms(pool: Pool, saleId: string): Promise<SaleTerms | undefined> {
  const { rows } = await pool.query<SaleTerms>(
    `SELECT sale_id AS "saleId", (extract(epoch FROM starts_at) * 1000)::bigint AS "startsAtMs",
            price_minor AS "priceMinor", currency, max_per_order AS "maxPerOrder", lanes
     FROM sales WHERE sale_id = $1`,
    [saleId],
  );
  return rows[0];
}

/** The oldest entry makes room for a new one. @returns the map. */
function makeRoom<T>(map: Map<string, T>, entriesMax: number): Map<string, T> {
  if (map.size >= entriesMax) map.delete(map.keys().next().value as string);
  return map;
}
