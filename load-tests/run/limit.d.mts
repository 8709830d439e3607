import type { Figures } from './verdict.d.mts';

export interface Limit {
  perSecond: number | undefined;
  brokenAt: number | undefined;
  because: string[];
}

export function findLimit(figures: Figures): Limit;
export function isOfStep(metric: string): boolean;
