/** What the pages read of the API's answers. */

export interface Sale {
  saleId: string;
  name: string;
  sku: string;
  priceMinor: number;
  currency: string;
  status: 'scheduled' | 'open' | 'paused' | 'sold_out' | 'ended' | 'sealed' | 'unavailable';
  startsAt: string;
  endsAt: string;
  perUserLimit: number;
  maxPerOrder: number;
  paymentWindowSeconds: number;
  requiresPass: boolean;
  stock: { total: number; available: number };
}

/** Units, except for the dead letters. */
export interface CountedSale extends Sale {
  counters: { available: number; held: number; sold: number; queued: number; deadLetters: number };
}

export interface Order {
  orderId: string;
  saleId: string;
  quantity: number;
  amountMinor: number;
  currency: string;
  status: 'queued' | 'pending_payment' | 'paid' | 'expired' | 'cancelled' | 'rejected';
  acceptedAt: string;
  expiresAt: string | null;
  paymentUrl: string | null;
  queue?: { ahead: number; etaSeconds: number };
  refund: null | { status: 'due' | 'done' };
  history: { status: Order['status']; at: string }[];
}

export interface Audit {
  consistent: boolean;
  quiescent: boolean;
  checkedAt: string;
  redis: { total: number; available: number; held: number };
  postgres: { total: number; pendingPayment: number; paid: number; toGiveBack: number; givenBack: number };
  lanes: AuditedLane[];
  deadLettersOpen: number;
  differences: { kind: string; orderId?: string; detail: string }[];
}

export interface AuditedLane {
  lane: number;
  state: 'open' | 'closed';
  epoch: number;
  version: number;
  recorded: number;
  unread: number;
  pending: number;
  lastRebuild: null | { because: string; openedAt: string | null; orders: number; lost: number };
}

export interface DeadLetter {
  deadLetterId: string;
  firstSeenAt: string;
  lastSeenAt: string;
  saleId: string | null;
  orderId: string | null;
  attempts: number;
  lane: number;
  entryId: string;
  reason: string;
  detail: string;
  fields: unknown;
}

/** An answer that is no success, or none at all (`status` 0). */
export interface Problem {
  /** The last part of its address below `/problems/`; empty when it has none. */
  slug: string;
  status: number;
  title: string;
  detail: string;
  errors: { pointer: string; detail: string }[];
  requestId: string;
  retryAfterMs: number | null;
  /** The same request may succeed later. */
  isTemporary: boolean;
  /** What was asked for may have been done. */
  isUnknown: boolean;
}

export type Answer<T> = { ok: true; body: T } | { ok: false; problem: Problem };
