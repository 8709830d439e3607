import type { Scenario } from './scenarios.d.mts';

/** As k6 hands it to handleSummary. */
export interface Figures {
  metrics: Record<string, { values: Record<string, number>; thresholds?: Record<string, { ok: boolean }> }>;
  root_group: { checks: { name: string; passes: number; fails: number }[] };
}

/** What the verdict reads of GET /v1/admin/sales/{id}/audit. Units. */
export interface Audit {
  consistent: boolean;
  quiescent: boolean;
  redis: { total: number; available: number; held: number };
  postgres: { total: number; pendingPayment: number; paid: number; toGiveBack: number; givenBack: number };
  lanes: { lane: number; epoch: number; version: number; recorded: number; unread: number; pending: number }[];
  deadLettersOpen: number;
  differences: { kind: string; orderId?: string; detail: string }[];
}

export interface Run {
  k6Status: number | string;
  figures?: Figures;
  stock: number;
  audit?: Audit;
  auditProblem?: string;
  promises?: Pick<Scenario, 'endsFinished' | 'atMost' | 'findsLimit'>;
}

export function countOf(figures: Figures, metric: string): number;
export function kindsOf(figures: Figures, prefix: string): [kind: string, count: number][];
export function findFaults(run: Run): string[];
export function unitsBooked(audit: Audit): number;
