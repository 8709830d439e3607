/** What the scripts of stock.ts answer, beside decisions (decision.ts). */

export type Release = { outcome: 'RELEASED' | 'ALREADY'; version: number } | { outcome: 'MISSING' | 'UNAVAILABLE' };

export interface Releases {
  /** Under what they were given back: they may be recorded only while it is still so. */
  runId: string;
  epoch: number;
  /** What Postgres had recorded of that epoch at least. */
  recorded: number;
  releases: Release[];
}

export interface AdjustmentReply {
  outcome: 'ADJUSTED' | 'REFUSED' | 'OUTDATED' | 'MISSING' | 'UNAVAILABLE';
  /** The Redis and the epoch that answered: it may be recorded only while the lane still belongs to both. */
  runId: string;
  epoch: number;
  /** Of the adjustment; 0 when a rebuild had counted it, or there is none. */
  version: number;
}

export interface Removal {
  outcome: 'REMOVED' | 'DIFFERENT' | 'UNAVAILABLE';
  /** The Redis and the epoch that answered: it may be recorded only while the lane still belongs to both. */
  runId: string;
  epoch: number;
}
