import { eventually } from './eventually.js';
import type { TestSystem } from './system.js';

/** One definite answer to a request. */
export interface Answer {
  status: number;
  /** The problem type's last segment, or `accepted`. */
  outcome: string;
  body: Record<string, unknown>;
}

export interface Buyer {
  name: string;
  key: string;
  /** One for each copy of the request, in no order. */
  answers: Answer[];
  /** How often a request had to be sent again before it was definite. */
  resent: number;
}

export interface Crowd {
  saleId: string;
  buyers: number;
  /** Copies of each request that are sent at once with the same key. */
  copies: number;
  /** Called once, as soon as so many requests were accepted. */
  afterAccepted?: { count: number; do: () => Promise<void> };
}

const RESOLVED_WITHIN_MS = 90_000;

/** What a client has to send again with the same key. */
const INDEFINITE = new Set(['outcome-unknown', 'store-unavailable', 'draining', 'overloaded']);

/**
 * Lets a crowd race for one sale, over HTTP, each buyer with a token and a key of their own. Whatever stays unknown (no
 * answer, or a 503) is sent again with the same key until it is definite.
 */
export async function race(system: TestSystem, crowd: Crowd): Promise<Buyer[]> {
  let accepted = 0;
  let interruption: Promise<void> | undefined;
  const note = (answer: Answer) => {
    accepted += answer.status === 202 ? 1 : 0;
    if (crowd.afterAccepted && accepted >= crowd.afterAccepted.count) interruption ??= crowd.afterAccepted.do();
  };
  const run = Date.now().toString(36);
  const buyers = Array.from({ length: crowd.buyers }, (_, index) => ({
    name: `buyer-${run}-${index}`,
    key: `key-${index}`,
    answers: [] as Answer[],
    resent: 0,
  }));
  await Promise.all(
    buyers.map(async (buyer) => {
      const headers = {
        authorization: `Bearer ${system.token(buyer.name)}`,
        'idempotency-key': buyer.key,
        'content-type': 'application/json',
      };
      const copy = async () => {
        const answer = await untilDefinite(
          () => placeOrder(system, crowd.saleId, headers),
          () => (buyer.resent += 1),
        );
        note(answer);
        return answer;
      };
      buyer.answers = await Promise.all(Array.from({ length: crowd.copies }, copy));
    }),
  );
  await interruption;
  return buyers;
}

function untilDefinite(send: () => Promise<Answer>, noteResent: () => void): Promise<Answer> {
  let attempts = 0;
  return eventually(
    async () => {
      if ((attempts += 1) > 1) noteResent();
      const answer = await send();
      if (INDEFINITE.has(answer.outcome)) throw new Error(`still ${answer.outcome}`);
      return answer;
    },
    { withinMs: RESOLVED_WITHIN_MS },
  );
}

/** One order of one unit. @throws when no answer came. */
export async function placeOrder(system: TestSystem, saleId: string, headers: Record<string, string>): Promise<Answer> {
  const response = await system.http.request({
    method: 'POST',
    path: `/v1/sales/${saleId}/orders`,
    headers,
    body: '{"quantity":1}',
  });
  const body = (await response.body.json()) as Record<string, unknown>;
  const outcome = response.statusCode === 202 ? 'accepted' : (String(body.type).split('/').pop() ?? '');
  return { status: response.statusCode, outcome, body };
}
