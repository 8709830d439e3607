import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from '../platform/http/problem.js';
import { parseStrictJson } from '../platform/http/strict-json.js';
import { checkWebhook, SIGNATURE_HEADER } from '../platform/http/webhook-signature.js';
import { type GatewayEvent, WebhookReader, type WebhookReading } from './payment-gateway.js';

/** Bounds what a gateway can make us keep; PostgreSQL could not even index a long id. */
const PRINTABLE = /^[\x20-\x7e]{1,255}$/;
const LOWER_CASE_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CURRENCY = /^[A-Z]{3}$/;

/**
 * Webhooks of the protocol of docs/PAYMENTS.md.
 *
 * Promises:  what it calls an event was signed within 300 s of now with one of the secrets, and its body is strict JSON with
 *            an id and a type.
 * Does not:  refuse what it does not understand: a field that is missing, or is not what it should be, is null.
 */
export class SignedWebhooks extends WebhookReader {
  constructor(private readonly secrets: readonly string[]) {
    super();
  }

  read(body: Buffer, headers: IncomingHttpHeaders): WebhookReading {
    const header = headers[SIGNATURE_HEADER];
    if (typeof header !== 'string') return { refusedBecause: 'invalid-signature' };
    const verdict = checkWebhook(this.secrets, { header, body });
    if (verdict !== 'good') return { refusedBecause: verdict };
    const event = toEvent(valueOf(body));
    return event ? { event } : { refusedBecause: 'no-event' };
  }
}

function valueOf(body: Buffer): unknown {
  try {
    return parseStrictJson(body);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

function toEvent(value: unknown): GatewayEvent | undefined {
  const { id, type, data } = fieldsOf(value);
  const { paymentId, orderId, amountMinor, currency } = fieldsOf(data);
  if (!isText(id, PRINTABLE) || !isText(type, PRINTABLE)) return undefined;
  return {
    id,
    type,
    paymentId: isText(paymentId, PRINTABLE) ? paymentId : null,
    orderId: isText(orderId, LOWER_CASE_UUID) ? orderId : null,
    amountMinor: isAmount(amountMinor) ? amountMinor : null,
    currency: isText(currency, CURRENCY) ? currency : null,
  };
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};

const isText = (value: unknown, pattern: RegExp): value is string => typeof value === 'string' && pattern.test(value);

const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
