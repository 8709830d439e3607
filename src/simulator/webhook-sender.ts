import type { Logger } from 'pino';
import { Pool } from 'undici';
import { SIGNATURE_HEADER, signWebhook } from '../platform/http/webhook-signature.js';
import type { Agenda } from './agenda.js';
import type { WebhookEvent } from './books.js';

/** Webhooks on their way at once. */
const SENDING_MAX = 64;
const ANSWER_WITHIN_MS = 10_000;
const BACK_OFF_MS_MIN = 100;
const BACK_OFF_MS_MAX = 10_000;
/** What is still on its way when the simulator stops is told again by the next one. */
const STOP_WITHIN_MS = 2_000;

interface Sending {
  event: WebhookEvent;
  body: string;
  attempts: number;
}

export interface WebhookSenderOptions {
  url: string;
  secret: string;
  agenda: Agenda;
  logger: Logger;
  /** Called for each copy that was answered 2xx. */
  delivered: (event: WebhookEvent) => void;
}

/**
 * Tells the shop what happened, one signed POST for each event.
 *
 * Promises:  goes on until a 2xx comes, waiting up to 10 s between two attempts. A shop that cannot be reached at all holds
 *            up everything, so that a long queue is not an attack; one event that is not taken holds up nothing but itself.
 * Promises:  each attempt of an event has the same body, and is signed anew.
 * Does not:  keep an order, nor remember anything over a restart: the journal does.
 */
export class WebhookSender {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #waiting = new Set<Sending>();
  readonly #sending = new Set<Promise<void>>();
  #unreachable = 0;
  #awayUntilMs = 0;
  #closed = false;

  constructor(private readonly options: WebhookSenderOptions) {
    const { origin, pathname, search } = new URL(options.url);
    this.#path = pathname + search;
    this.#pool = new Pool(origin, {
      connections: SENDING_MAX,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
    });
  }

  /** Sends it so often, each copy until it is taken. */
  tell(event: WebhookEvent, copies: number): void {
    const body = bodyOf(event);
    for (let copy = 0; copy < copies; copy++) this.enqueue({ event, body, attempts: 0 });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const giveUp = setTimeout(() => void this.#pool.destroy(), STOP_WITHIN_MS);
    await this.#pool.close();
    await Promise.all(this.#sending);
    clearTimeout(giveUp);
  }

  private enqueue(sending: Sending): void {
    this.#waiting.add(sending);
    this.pump();
  }

  private pump(): void {
    if (this.#closed || Date.now() < this.#awayUntilMs) return;
    for (const waiting of this.#waiting) {
      if (this.#sending.size >= SENDING_MAX) return;
      this.#waiting.delete(waiting);
      const sending = this.send(waiting).finally(() => {
        this.#sending.delete(sending);
        this.pump();
      });
      this.#sending.add(sending);
    }
  }

  private async send(sending: Sending): Promise<void> {
    const { event, body } = sending;
    sending.attempts += 1;
    try {
      const { statusCode } = await this.post(body);
      this.noteReachable();
      if (statusCode >= 200 && statusCode < 300) this.options.delivered(event);
      else this.tryAgain(sending, statusCode);
    } catch (err) {
      if (this.#closed) return;
      this.#waiting.add(sending);
      this.noteUnreachable(err);
    }
  }

  private tryAgain(sending: Sending, statusCode: number): void {
    const { event, attempts } = sending;
    if (attempts === 1) {
      this.options.logger.warn({ event: event.id, statusCode }, 'a webhook is not taken; trying again');
    }
    this.options.agenda.at(Date.now() + backOffMs(attempts), () => this.enqueue(sending));
  }

  private async post(body: string): Promise<{ statusCode: number }> {
    const response = await this.#pool.request({
      method: 'POST',
      path: this.#path,
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: signWebhook(this.options.secret, body) },
      body,
    });
    await response.body.dump();
    return response;
  }

  private noteReachable(): void {
    if (this.#unreachable > 0) this.options.logger.info('the shop can be reached again');
    this.#unreachable = 0;
  }

  /** Those that were on their way together fail together: they count as one. */
  private noteUnreachable(err: unknown): void {
    if (Date.now() < this.#awayUntilMs) return;
    this.#unreachable += 1;
    if (this.#unreachable === 1) this.options.logger.warn({ err }, 'the shop cannot be reached; trying again');
    this.#awayUntilMs = Date.now() + backOffMs(this.#unreachable);
    this.options.agenda.at(this.#awayUntilMs, () => this.pump());
  }
}

/** With jitter: those that failed together do not come back together. */
function backOffMs(attempts: number): number {
  const ceiling = Math.min(BACK_OFF_MS_MIN * 2 ** Math.min(attempts - 1, 10), BACK_OFF_MS_MAX);
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

/** The same bytes for the same event, whenever it is told: the shop takes other bytes under a known id for a fraud. */
function bodyOf({ id, type, createdAtMs, payment }: WebhookEvent): string {
  const { paymentId, orderId, amountMinor, currency } = payment;
  const createdAt = new Date(createdAtMs).toISOString();
  return JSON.stringify({ id, type, createdAt, data: { paymentId, orderId, amountMinor, currency } });
}
