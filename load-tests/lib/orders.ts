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
export function send(order: Order, copies = 1, answerWithin = ANSWER_WITHIN): Response[] {
  const params = {
    headers: headersOf(order),
    timeout: answerWithin,
    responseType: 'text' as const,
    tags: { name: 'place order' },
  };
  const request = { method: 'POST', url: ORDERS_URL, body: JSON.stringify({ quantity: order.quantity }), params };
  return http.batch(Array.from({ length: copies }, () => request));
}

/** The order as its buyer sees it. */
export function readOrder(buyer: Buyer, orderId: string): Response {
  return http.get(`${ORDERS_URL}/${orderId}`, paramsOf(buyer, 'read order'));
}

/** The newest 100 orders of a buyer, of whatever sale. */
export function listOrders(buyer: Buyer): Response {
  return http.get(`${BASE_URL}/v1/orders?limit=100`, paramsOf(buyer, 'list orders'));
}

export function cancelOrder(buyer: Buyer, orderId: string): Response {
  return http.post(`${ORDERS_URL}/${orderId}/cancel`, null, paramsOf(buyer, 'cancel order'));
}

const paramsOf = ({ token }: Buyer, name: string) => ({
  headers: { authorization: `Bearer ${token}` },
  timeout: ANSWER_WITHIN,
  responseType: 'text' as const,
  tags: { name },
});

/** An answer that says to try again must say when, as the contract has it; only a 408 cannot. */
export function understand(response: Response): Answer {
  if (!isAnswered(response)) return { is: 'open', because: 'no-answer', retryAfterSeconds: 0 };
  if (response.status === 202) {
    return { is: 'accepted', body: response.body, isReplay: response.headers['Idempotency-Replayed'] === 'true' };
  }
  const because = response.status === 408 ? 'request-timeout' : problemOf(response);
  const retryAfterSeconds = Number(response.headers['Retry-After'] ?? 0);
  const saysWhen = retryAfterSeconds > 0 || because === 'request-timeout';
  if (isTryAgain(because)) return saysWhen ? { is: 'open', because, retryAfterSeconds } : { is: 'unexpected' };
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
