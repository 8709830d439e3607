import type { Plan } from './behaviour.js';

/** What was asked for, and cannot be changed any more. */
export interface Terms {
  orderId: string;
  saleId: string;
  amountMinor: number;
  currency: string;
  description: string;
  payBefore: string;
  returnUrl: string;
}

export interface Payment extends Terms {
  paymentId: string;
  plan: Plan;
  declinedAtMs: number | null;
  capturedAtMs: number | null;
  refund: { refundId: string; dueAtMs: number; isDone: boolean } | null;
}

export interface WebhookEvent {
  id: string;
  type: 'payment.succeeded' | 'payment.failed' | 'refund.succeeded';
  createdAtMs: number;
  tellAtMs: number;
  payment: Payment;
}

/** What happens to payments: a line of the journal each. `event` is the id of the webhook that tells of it. */
export type Fact =
  | { is: 'asked'; terms: Terms; plan: Plan }
  | { is: 'declined'; payment: string; event: string; atMs: number; tellAtMs: number }
  | { is: 'captured'; payment: string; event: string; atMs: number }
  | { is: 'refund-asked'; payment: string; dueAtMs: number }
  | { is: 'refunded'; payment: string; event: string; atMs: number }
  | { is: 'told'; event: string };

/** One payment of one order, so its id follows from the order's. */
export const paymentIdOf = (orderId: string): string => `pay_${orderId.replaceAll('-', '')}`;

/**
 * The payments, in memory: the sum of all facts so far, the same whether they have just happened or are read from a journal.
 *
 * Does not:  judge. Whether something may happen is the cash desk's matter, before it becomes a fact.
 */
export class Books {
  readonly #payments = new Map<string, Payment>();
  readonly #charges: Payment[] = [];
  readonly #untold = new Map<string, WebhookEvent>();

  /** @returns the webhook that this fact wants told, if it wants one. */
  apply(fact: Fact): WebhookEvent | undefined {
    switch (fact.is) {
      case 'asked':
        this.add(fact.terms, fact.plan);
        return undefined;
      case 'declined':
        this.require(fact.payment).declinedAtMs = fact.atMs;
        return this.announce('payment.failed', fact);
      case 'captured': {
        const payment = this.require(fact.payment);
        payment.capturedAtMs = fact.atMs;
        this.#charges.push(payment);
        return this.announce('payment.succeeded', fact);
      }
      case 'refund-asked': {
        const refundId = fact.payment.replace('pay_', 're_');
        this.require(fact.payment).refund = { refundId, dueAtMs: fact.dueAtMs, isDone: false };
        return undefined;
      }
      case 'refunded': {
        const { refund } = this.require(fact.payment);
        if (refund) refund.isDone = true;
        return this.announce('refund.succeeded', fact);
      }
      case 'told':
        this.#untold.delete(fact.event);
        return undefined;
    }
  }

  payment(paymentId: string): Payment | undefined {
    return this.#payments.get(paymentId);
  }

  payments(): Iterable<Payment> {
    return this.#payments.values();
  }

  untold(): Iterable<WebhookEvent> {
    return this.#untold.values();
  }

  isUntold(event: string): boolean {
    return this.#untold.has(event);
  }

  /** When money came last: no later charge is dated before it, whatever the clock does, so a list by time has no gaps. */
  lastCapturedAtMs(): number {
    return this.#charges.at(-1)?.capturedAtMs ?? 0;
  }

  /** In the order in which the money came. @param after the `next` of the page before. */
  chargesSince(sinceMs: number, after: number, limit: number): { charges: Payment[]; next: number | null } {
    const begin = Math.max(after, this.firstChargeSince(sinceMs));
    const end = begin + limit;
    return { charges: this.#charges.slice(begin, end), next: end < this.#charges.length ? end : null };
  }

  private add(terms: Terms, plan: Plan): void {
    const paymentId = paymentIdOf(terms.orderId);
    this.#payments.set(paymentId, {
      ...terms,
      paymentId,
      plan,
      declinedAtMs: null,
      capturedAtMs: null,
      refund: null,
    });
  }

  private require(paymentId: string): Payment {
    const payment = this.#payments.get(paymentId);
    if (!payment) throw new Error(`The journal tells of payment ${paymentId}, which nobody has asked for`);
    return payment;
  }

  private announce(
    type: WebhookEvent['type'],
    fact: { payment: string; event: string; atMs: number; tellAtMs?: number },
  ): WebhookEvent {
    const { payment, event: id, atMs: createdAtMs, tellAtMs = createdAtMs } = fact;
    const event = { id, type, createdAtMs, tellAtMs, payment: this.require(payment) };
    this.#untold.set(id, event);
    return event;
  }

  private firstChargeSince(sinceMs: number): number {
    let [low, high] = [0, this.#charges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#charges[middle]?.capturedAtMs ?? 0) < sinceMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
