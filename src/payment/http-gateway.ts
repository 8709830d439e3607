import { Pool } from 'undici';
import { z } from 'zod';
import {
  type AskedPayment,
  type AskedRefund,
  type Charge,
  GatewayRefusal,
  type PaymentGateway,
  type PaymentRequest,
  type RefundRequest,
} from './payment-gateway.js';

export interface HttpGatewayOptions {
  /** Of the gateway; its paths are put behind it. */
  url: string;
  /** Where the gateway sends a buyer's browser back to. */
  returnUrl: string;
  /** Calls beyond wait for one. */
  connectionsMax?: number;
}

const CONNECTIONS_MAX = 64;
const CHARGES_PER_PAGE = 500;
/** A page of charges has 100 KB. */
const ANSWER_BYTES_MAX = 1_048_576;
const EXPLANATION_CHARS_MAX = 300;

/** Of the statuses that blame the caller, those that pass: a slow request, and too many of them. */
const PASSING = [408, 429];

const Id = z.string().regex(/^[\x21-\x7e]{1,255}$/);
const Payment = z.object({ paymentId: Id, paymentUrl: z.url({ protocol: /^https?$/ }).nullable() });
const Refund = z.object({ refundId: Id, status: z.enum(['pending', 'succeeded']) });
const Charges = z.object({
  charges: z.array(
    z.object({
      paymentId: Id,
      orderId: z.guid().lowercase(),
      amountMinor: z.int().nonnegative(),
      currency: z.string().regex(/^[A-Z]{3}$/),
      capturedAt: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
    }),
  ),
  next: z.string().min(1).max(255).nullable(),
});

interface Call<T> {
  method: 'GET' | 'POST';
  path: string;
  idempotencyKey?: string;
  body?: object;
  answer: z.ZodType<T>;
}

/**
 * Calls a gateway that speaks the protocol of docs/PAYMENTS.md.
 *
 * Promises:  a 4xx is a GatewayRefusal, but for 408 and 429; everything else that is not the answer asked for, a wrong one
 *            included, is an error that passes.
 * Does not:  repeat or time anything: one call is one request, until its signal ends it.
 */
export class HttpGateway implements PaymentGateway {
  readonly name = 'http';
  readonly #pool: Pool;
  readonly #path: string;
  readonly #returnUrl: string;

  constructor({ url, returnUrl, connectionsMax = CONNECTIONS_MAX }: HttpGatewayOptions) {
    const { origin, pathname } = new URL(url);
    this.#path = pathname.replace(/\/+$/, '');
    this.#returnUrl = returnUrl;
    this.#pool = new Pool(origin, { connections: connectionsMax, maxResponseSize: ANSWER_BYTES_MAX });
  }

  async askForPayment(request: PaymentRequest, signal: AbortSignal): Promise<AskedPayment> {
    const body = { ...request, payBefore: request.payBefore.toISOString(), returnUrl: this.#returnUrl };
    return this.call(
      { method: 'POST', path: '/payments', idempotencyKey: request.orderId, body, answer: Payment },
      signal,
    );
  }

  async refund({ paymentId }: RefundRequest, signal: AbortSignal): Promise<AskedRefund> {
    const path = `/payments/${encodeURIComponent(paymentId)}/refunds`;
    const { refundId, status } = await this.call(
      { method: 'POST', path, idempotencyKey: paymentId, answer: Refund },
      signal,
    );
    return { refundId, isDone: status === 'succeeded' };
  }

  async *chargesSince(since: Date, signal: AbortSignal): AsyncIterable<Charge[]> {
    let after: string | null = null;
    do {
      const query = new URLSearchParams({ since: String(since.getTime()), limit: String(CHARGES_PER_PAGE) });
      if (after !== null) query.set('after', after);
      const path = `/charges?${query.toString()}`;
      const { charges, next } = await this.call({ method: 'GET', path, answer: Charges }, signal);
      if (next !== null && next === after) throw new Error('The gateway gives a page of charges that follows itself');
      yield charges;
      after = next;
    } while (after !== null);
  }

  /** Resolves when the calls in hand have ended. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  private async call<T>({ method, path, idempotencyKey, body, answer }: Call<T>, signal: AbortSignal): Promise<T> {
    const response = await this.#pool.request({
      method,
      path: this.#path + path,
      headers: {
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body ? JSON.stringify(body) : null,
      signal,
    });
    const text = await response.body.text();
    const what = `The gateway answers ${response.statusCode} to ${method} ${path.split('?', 1)[0] ?? ''}`;
    if (response.statusCode < 200 || response.statusCode > 299) throw toError(response.statusCode, what, text);
    const { data, error } = answer.safeParse(toValue(text));
    if (error) throw new Error(`${what} with something else than was asked for: ${summaryOf(error)}`);
    return data;
  }
}

function toError(status: number, what: string, text: string): Error {
  const { data } = z.object({ error: z.string() }).safeParse(toValue(text));
  const message = data ? `${what}: ${data.error.slice(0, EXPLANATION_CHARS_MAX)}` : what;
  return status >= 400 && status < 500 && !PASSING.includes(status) ? new GatewayRefusal(message) : new Error(message);
}

/** Undefined for what is not JSON. */
function toValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const summaryOf = ({ issues: [first] }: z.ZodError): string =>
  first ? `${first.path.join('.') || 'the body'}: ${first.message}` : 'unknown';
