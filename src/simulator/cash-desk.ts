import { randomUUID } from 'node:crypto';
import type { Agenda } from './agenda.js';
import type { Temper } from './behaviour.js';
import { type Books, type Fact, type Payment, paymentIdOf, type Terms, type WebhookEvent } from './books.js';
import type { Journal } from './journal.js';
import type { WebhookSender } from './webhook-sender.js';

export interface CashDeskParts {
  books: Books;
  journal: Journal<Fact>;
  agenda: Agenda;
  temper: Temper;
  /** What is done once for all: told by whom the webhooks are sent. */
  sender: Pick<WebhookSender, 'tell'>;
}

/**
 * Takes money and gives it back.
 *
 * Promises:  an order has one payment; a payment is charged once and given back once, whoever asks, how often and how.
 * Promises:  every charge, failed attempt and refund is told by a webhook, after it was written to the journal.
 * Does not:  stop taking money when the time to pay is over. No gateway can promise that, so a shop must cope with it.
 */
export class CashDesk {
  constructor(private readonly parts: CashDeskParts) {}

  /** Takes up what an earlier process left: payments that pay by themselves, refunds, webhooks. */
  resume(): void {
    for (const payment of this.parts.books.payments()) {
      this.follow(payment);
      if (payment.refund && !payment.refund.isDone) this.finishLater(payment, payment.refund.dueAtMs);
    }
    for (const event of this.parts.books.untold()) this.tell(event);
  }

  /** Undefined when this order has a payment of another amount or currency. */
  ask(terms: Terms): { payment: Payment; isNew: boolean } | undefined {
    const known = this.payment(paymentIdOf(terms.orderId));
    if (known) {
      const isSame = known.amountMinor === terms.amountMinor && known.currency === terms.currency;
      return isSame ? { payment: known, isNew: false } : undefined;
    }
    this.record({ is: 'asked', terms, plan: this.parts.temper.planFor(new Date(terms.payBefore)) });
    const payment = this.payment(paymentIdOf(terms.orderId)) as Payment;
    this.follow(payment);
    return { payment, isNew: true };
  }

  payment(paymentId: string): Payment | undefined {
    return this.parts.books.payment(paymentId);
  }

  /** Nothing when it was charged before. */
  approve({ paymentId, capturedAtMs }: Payment): void {
    if (capturedAtMs !== null) return;
    const atMs = Math.max(Date.now(), this.parts.books.lastCapturedAtMs());
    this.record({ is: 'captured', payment: paymentId, event: newEventId(), atMs });

    const staleAfterMs = this.parts.temper.staleFailureAfterMs();
    if (staleAfterMs === null) return;
    const stale = { atMs: atMs - 1, tellAtMs: atMs + staleAfterMs };
    this.record({ is: 'declined', payment: paymentId, event: newEventId(), ...stale });
  }

  /** A card was declined. The payment stays pending; nothing when it was charged before. */
  decline({ paymentId, capturedAtMs }: Payment): void {
    if (capturedAtMs !== null) return;
    const now = Date.now();
    this.record({ is: 'declined', payment: paymentId, event: newEventId(), atMs: now, tellAtMs: now });
  }

  /** Undefined when there is nothing to give back. */
  refund(payment: Payment): { refund: NonNullable<Payment['refund']>; isNew: boolean } | undefined {
    if (payment.capturedAtMs === null) return undefined;
    if (payment.refund) return { refund: payment.refund, isNew: false };
    const delayMs = this.parts.temper.refundAfterMs();
    const dueAtMs = Date.now() + delayMs;
    this.record({ is: 'refund-asked', payment: payment.paymentId, dueAtMs });
    if (delayMs > 0) this.finishLater(payment, dueAtMs);
    else this.finishRefund(payment);
    return { refund: payment.refund as unknown as NonNullable<Payment['refund']>, isNew: true };
  }

  private follow(payment: Payment): void {
    if (payment.capturedAtMs !== null) return;
    const { declinesAtMs, paysAtMs } = payment.plan;
    const { agenda } = this.parts;
    if (declinesAtMs !== null && payment.declinedAtMs === null) agenda.at(declinesAtMs, () => this.decline(payment));
    if (paysAtMs !== null) agenda.at(paysAtMs, () => this.approve(payment));
  }

  private finishLater(payment: Payment, dueAtMs: number): void {
    this.parts.agenda.at(dueAtMs, () => this.finishRefund(payment));
  }

  private finishRefund({ paymentId }: Payment): void {
    this.record({ is: 'refunded', payment: paymentId, event: newEventId(), atMs: Date.now() });
  }

  private record(fact: Fact): void {
    this.parts.journal.append(fact);
    const event = this.parts.books.apply(fact);
    if (event) this.tell(event);
  }

  private tell(event: WebhookEvent): void {
    const { agenda, journal, sender, temper } = this.parts;
    const tellNow = () => void journal.written().then(() => sender.tell(event, temper.copies()));
    if (event.tellAtMs > Date.now()) agenda.at(event.tellAtMs, tellNow);
    else tellNow();
  }
}

const newEventId = (): string => `evt_${randomUUID()}`;
