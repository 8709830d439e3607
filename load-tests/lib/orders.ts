import http, { type RefinedResponse } from 'k6/http';
import { randomBytes } from 'k6/crypto';
import { b64encode } from 'k6/encoding';
import type { Buyer } from './buyer.ts';
import { BASE_URL, SALE_ID } from './settings.ts';

/** What a buyer asks for. Sent again it is the same order, for its key is the same. */
export interface Order {
  buyer: Buyer;
  quantity: number;
  idempotencyKey: string;
}

export type Response = RefinedResponse<'text'>;

/** What an answer to an order means for its buyer. */
export type Answer =
  | { is: 'accepted'; body: string; isReplay: boolean }
  /** Definite: nothing was ordered. */
  | { is: 'refused'; because: string }
  /** Perhaps ordered, perhaps not asked: the same key must be sent again. */
  | { is: 'open'; because: TryAgain; retryAfterSeconds: number }
  /** Nothing that the API promises. */
  | { is: 'unexpected' };

/**
 * Why an order is sent again. `no-answer`: refused connection, reset, or time-out. `request-timeout` (408): the connection
 * lay unused until the API closed it, and our request crossed with that (RFC 9110, 15.5.9). The others are problem types.
 */
export const TRY_AGAIN = [
  'no-answer',
  'request-timeout',
  'outcome-unknown',
  'store-unavailable',
  'overloaded',
  'draining',
  'rate-limited',
] as const;
export type TryAgain = (typeof TRY_AGAIN)[number];

/** Longer than the API itself waits for Redis before it says `outcome-unknown` (0.8 s), by a wide margin. */
const ANSWER_WITHIN = '5s';

/** k6's own codes of what is no HTTP answer; from here on they only repeat the status. */
const HTTP_ERROR_CODES_FROM = 1400;

export const ORDERS_URL = `${BASE_URL}/v1/sales/${SALE_ID}/orders`;

/** 128 random bits: no two orders share a key, whoever makes them. */
export function newOrder(buyer: Buyer, quantity: number): Order {
  return { buyer, quantity, idempotencyKey: b64encode(randomBytes(16), 'rawurl') };
}

/** Sends an order, or several copies of it at once, each over a connection of its own. */
export function send(order: Order, copies = 1): Response[] {
  const params = {
    headers: headersOf(order),
    timeout: ANSWER_WITHIN,
    responseType: 'text' as const,
    tags: { name: 'place order' },
  };
  const request = { method: 'POST', url: ORDERS_URL, body: JSON.stringify({ quantity: order.quantity }), params };
  return http.batch(Array.from({ length: copies }, () => request));
}

/** The order as its buyer sees it. */
export function readOrder(buyer: Buyer, orderId: string): Response {
  return http.get(`${ORDERS_URL}/${orderId}`, {
    headers: { authorization: `Bearer ${buyer.token}` },
    timeout: ANSWER_WITHIN,
    responseType: 'text',
    tags: { name: 'read order' },
  });
}

export function understand(response: Response): Answer {
  if (!isAnswered(response)) return { is: 'open', because: 'no-answer', retryAfterSeconds: 0 };
  if (response.status === 202) {
    return { is: 'accepted', body: response.body, isReplay: response.headers['Idempotency-Replayed'] === 'true' };
  }
  const because = response.status === 408 ? 'request-timeout' : problemOf(response);
  const retryAfterSeconds = Number(response.headers['Retry-After'] ?? 0);
  if (isTryAgain(because)) return { is: 'open', because, retryAfterSeconds };
  return because && response.status < 500 ? { is: 'refused', because } : { is: 'unexpected' };
}

/** The last segment of the problem type's address (RFC 9457), or '' when the body is no problem document. */
export function problemOf({ headers, body }: Response): string {
  if (!headers['Content-Type']?.startsWith('application/problem+json')) return '';
  const { type } = JSON.parse(body) as { type?: string };
  return /^\/problems\/([a-z-]+)$/.exec(type ?? '')?.[1] ?? '';
}

const isAnswered = ({ status, error_code }: Response) =>
  status !== 0 && (error_code === 0 || error_code >= HTTP_ERROR_CODES_FROM);

const isTryAgain = (because: string): because is TryAgain => (TRY_AGAIN as readonly string[]).includes(because);

function headersOf({ buyer, idempotencyKey }: Order): Record<string, string> {
  return {
    authorization: `Bearer ${buyer.token}`,
    'idempotency-key': idempotencyKey,
    'content-type': 'application/json',
  };
}
