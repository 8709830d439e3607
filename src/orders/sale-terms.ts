import type { Pool } from 'pg';
import { isStoreAway } from '../platform/store-errors.js';

/** What an order is placed under. */
export interface SaleTerms {
  saleId: string;
  startsAtMs: number;
  priceMinor: number;
  currency: string;
  maxPerOrder: number;
  /** Lanes that carry the sale. */
  lanes: number;
  /** Nothing of it changes any more, and Redis need not have it. */
  isSealed: boolean;
}

interface Known {
  terms: SaleTerms;
  /** Somebody has asked since the last sweep: the next one asks Postgres. */
  isAsked: boolean;
  /** Not older than the sweep before. */
  isFresh: boolean;
}

/** Sales that a process may hold in mind, and ids that it knows to be nobody's: bounds what a client can make it keep. */
const KNOWN_SALES_MAX = 10_000;
const UNKNOWN_SALES_MAX = 10_000;
/** How long an unknown id may stay unknown: a sale that was just created is sold at the latest after this. */
const UNKNOWN_FOR_MS = 1_000;

/**
 * The terms of sales, held in mind by each process. All that can change at any moment (paused, ended, stock) is decided by the
 * reserve script; these change when an operator changes them.
 *
 * Promises:  what an operator has changed is known here after two sweeps at the latest.
 * Promises:  while Postgres is away, a sale that this process has seen is sold under the terms that it knows.
 */
export class SaleTermsReader {
  readonly #known = new Map<string, Known>();
  readonly #unknownUntilMs = new Map<string, number>();
  readonly #asked = new Map<string, Promise<SaleTerms | undefined>>();

  constructor(private readonly pool: Pool) {}

  /** At once, when this process surely knows them. */
  remembered(saleId: string): SaleTerms | undefined {
    const known = this.#known.get(saleId);
    if (!known?.isFresh) return undefined;
    known.isAsked = true;
    return known.terms;
  }

  /** @returns undefined when there is no such sale. Callers that ask at once for the same sale share one query. */
  async read(saleId: string): Promise<SaleTerms | undefined> {
    const remembered = this.remembered(saleId);
    if (remembered) return remembered;
    if ((this.#unknownUntilMs.get(saleId) ?? 0) > Date.now()) return undefined;

    const asked = this.#asked.get(saleId) ?? this.ask(saleId);
    this.#asked.set(saleId, asked);
    return asked;
  }

  /** One sweep: reads again what was asked for since the last one, and trusts nothing else any more. */
  async runOnce(): Promise<number> {
    const before = [...this.#known];
    const wanted = before.filter(([, known]) => known.isAsked).map(([saleId]) => saleId);
    const terms = await selectTerms(this.pool, wanted);
    for (const [saleId, known] of before) {
      known.terms = terms.get(saleId) ?? known.terms;
      known.isFresh = terms.has(saleId);
      known.isAsked = false;
    }
    return 0;
  }

  private async ask(saleId: string): Promise<SaleTerms | undefined> {
    try {
      const terms = (await selectTerms(this.pool, [saleId])).get(saleId);
      if (terms) this.remember(terms);
      else makeRoom(this.#unknownUntilMs, UNKNOWN_SALES_MAX).set(saleId, Date.now() + UNKNOWN_FOR_MS);
      return terms;
    } catch (error) {
      const known = this.#known.get(saleId);
      if (!known || !isStoreAway(error)) throw error;
      return this.remember(known.terms); // until Postgres answers a sweep
    } finally {
      this.#asked.delete(saleId);
    }
  }

  private remember(terms: SaleTerms): SaleTerms {
    this.#known.delete(terms.saleId);
    makeRoom(this.#known, KNOWN_SALES_MAX).set(terms.saleId, { terms, isAsked: true, isFresh: true });
    return terms;
  }
}

async function selectTerms(pool: Pool, saleIds: readonly string[]): Promise<Map<string, SaleTerms>> {
  if (saleIds.length === 0) return new Map();
  const { rows } = await pool.query<SaleTerms>(
    `SELECT sale_id AS "saleId", (extract(epoch FROM starts_at) * 1000)::bigint AS "startsAtMs",
            price_minor AS "priceMinor", currency, max_per_order AS "maxPerOrder", lanes,
            sealed_at IS NOT NULL AS "isSealed"
     FROM sales WHERE sale_id = ANY($1::uuid[])`,
    [saleIds],
  );
  return new Map(rows.map((terms) => [terms.saleId, terms]));
}

/** The oldest entry makes room for a new one. @returns the map. */
function makeRoom<T>(map: Map<string, T>, entriesMax: number): Map<string, T> {
  if (map.size >= entriesMax) map.delete(map.keys().next().value as string);
  return map;
}
