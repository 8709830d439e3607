export const REFUSALS = [
  'KEY_REUSED',
  'PAUSED',
  'NOT_STARTED',
  'ENDED',
  'LIMIT_REACHED',
  'SOLD_OUT',
  'OVERLOADED',
  'UNAVAILABLE',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface Acceptance {
  outcome: 'ACCEPTED' | 'REPEATED';
  orderId: string;
  /** The lane's version of this decision. */
  version: number;
  /** Redis' clock at the decision. */
  decidedAtMs: number;
}
export type Decision = Acceptance | { outcome: Refusal };

export interface ReserveRequest {
  /** The id the order gets if it is accepted; a repeated key answers with the first one. */
  orderId: string;
  buyer: string;
  idempotencyKey: string;
  /** 1 to 999. */
  quantity: number;
}

export interface ReserveCall {
  requests: readonly ReserveRequest[];
  /** Decisions of the lane that may be made and not recorded: beyond it, nothing more is accepted. */
  backlogMax?: number;
}

/** Replies are told apart by their order on the connection: a lost one must not give a buyer the order of another. */
export const areFor = (requests: readonly ReserveRequest[], decisions: readonly Decision[]): boolean =>
  requests.length === decisions.length &&
  decisions.every(
    (decision, index) => decision.outcome !== 'ACCEPTED' || decision.orderId === requests[index]?.orderId,
  );

/** One decision, as a script says it. */
export type Reply = [outcome: string, orderId?: string, version?: string, decidedAtMs?: string];

/** @throws for an outcome that the script does not document. */
export function toDecision([outcome, orderId = '', version, decidedAtMs]: Reply): Decision {
  if (outcome === 'ACCEPTED' || outcome === 'REPEATED') {
    return { outcome, orderId, version: Number(version), decidedAtMs: Number(decidedAtMs) };
  }
  if ((REFUSALS as readonly string[]).includes(outcome)) return { outcome: outcome as Refusal };
  throw new Error(`Bug: reserve-stock.lua returned an unknown outcome '${outcome}'`);
}
