import { z } from 'zod';

const DELAY_MS_MAX = 86_400_000;
const milliseconds = z.int().min(0).max(DELAY_MS_MAX);

/** Least and most, in milliseconds; each time one in between is drawn. */
const range = z
  .tuple([milliseconds, milliseconds])
  .refine(([least, most]) => least <= most, 'must be [least, most] in milliseconds');
type Range = z.infer<typeof range>;

const chance = z.number().min(0).max(1);
const whim = z.strictObject({ probability: chance }).default({ probability: 0 });
const whimAfter = (...delayMs: Range) =>
  z.strictObject({ probability: chance, delayMs: range.default(delayMs) }).default({ probability: 0, delayMs });

/** How the simulator behaves. What is not named does not happen, so that `{}` leaves all to the person on the page. */
export const behaviourSchema = z.strictObject({
  /** A payment is paid by itself, so long after it was asked for. */
  pays: whimAfter(0, 2_000),
  /** Its first attempt is declined by itself; with `pays`, the second one succeeds, so long after the first. */
  declines: whimAfter(0, 1_000),
  /** It is paid by itself, so long after `payBefore`. Goes before `pays`. */
  late: whimAfter(100, 2_000),
  /** The same webhook comes two or three times, at the same time. */
  repeats: whim,
  /** After a success comes the webhook of an attempt that failed before it, so long after. */
  shuffles: whimAfter(100, 1_000),
  /** A call is done, and answered only so long after: longer than any caller waits. */
  hangs: whimAfter(60_000, 60_000),
  /** A call is answered 500; every other time it was done all the same. */
  fails: whim,
  /** A call is done at once, and answered so long after; webhooks do not wait for that. */
  slow: whimAfter(100, 1_000),
  /** How long a refund takes. */
  refundDelayMs: range.default([0, 0]),
});

export type Behaviour = z.output<typeof behaviourSchema>;
/** With everything that has a default left out. */
export type BehaviourInput = z.input<typeof behaviourSchema>;

/** What a payment does by itself, in ms since 1970; null: nothing. */
export interface Plan {
  declinesAtMs: number | null;
  paysAtMs: number | null;
}

/** Draws the lots. Each question is answered anew, by the behaviour of that moment. */
export class Temper {
  constructor(public behaviour: Behaviour) {}

  planFor(payBefore: Date): Plan {
    const { declines, late, pays } = this.behaviour;
    const now = Date.now();
    const declinesAtMs = happens(declines) ? now + draw(declines.delayMs) : null;
    if (happens(late)) return { declinesAtMs, paysAtMs: Math.max(now, payBefore.getTime()) + draw(late.delayMs) };
    return { declinesAtMs, paysAtMs: happens(pays) ? (declinesAtMs ?? now) + draw(pays.delayMs) : null };
  }

  /** How often a webhook is sent. */
  copies(): number {
    return happens(this.behaviour.repeats) ? 2 + Math.round(Math.random()) : 1;
  }

  /** How long after a success the stale failure is told; null: there is none. */
  staleFailureAfterMs(): number | null {
    const { shuffles } = this.behaviour;
    return happens(shuffles) ? draw(shuffles.delayMs) : null;
  }

  refundAfterMs(): number {
    return draw(this.behaviour.refundDelayMs);
  }

  /** How a call is answered. */
  manner(): { fails: 'undone' | 'done' | null; waitMs: number } {
    const { fails, hangs, slow } = this.behaviour;
    const waitMs = (happens(hangs) ? draw(hangs.delayMs) : 0) + (happens(slow) ? draw(slow.delayMs) : 0);
    if (!happens(fails)) return { fails: null, waitMs };
    return { fails: Math.random() < 0.5 ? 'undone' : 'done', waitMs };
  }
}

const happens = ({ probability }: { probability: number }): boolean => Math.random() < probability;

const draw = ([least, most]: Range): number => Math.round(least + Math.random() * (most - least));
