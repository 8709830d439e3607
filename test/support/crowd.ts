import { eventually } from './eventually.js';
import type { TestSystem } from './system.js';

/** One definite answer to a request. */
export interface Answer {
  status: number;
  /** The problem type's last segment, or `accepted`. */
  outcome: string;
  body: Record<string, unknown>;
}

/** An answer with the times of its client: when the request was first sent, and when it was answered at last. */
export interface Outcome extends Answer {
  sentAtMs: number;
  answeredAtMs: number;
}

export interface Buyer {
  name: string;
  key: string;
  /** One for each copy of the request, in no order. */
  answers: Outcome[];
  /** How often a request had to be sent again before it was definite. */
  resent: number;
}

export interface Crowd {
  saleId: string;
  buyers: number;
  /** Copies of each request that are sent at once with the same key. */
  copies: number;
  /** Buyers that ask at the same time; the next comes when one has all answers. Without it all of them at once. */
  atOnce?: number;
  /** They come this far apart, until the first of them hears that all is sold. */
  apartMs?: number;
  /** Called once, as soon as so many requests were accepted. */
  afterAccepted?: { count: number; do: (progress: Progress) => Promise<void> };
}

/** What the crowd has met so far. Moves on. */
export interface Progress {
  /** Requests that were accepted. */
  readonly accepted: number;
  /** Requests that had to be sent again. */
  readonly resent: number;
}

const RESOLVED_WITHIN_MS = 90_000;

/** What a client has to send again with the same key. */
const INDEFINITE = new Set(['outcome-unknown', 'store-unavailable', 'draining', 'overloaded']);

/**
 * Lets a crowd race for one sale, over HTTP, each buyer with a token and a key of their own. Whatever stays unknown (no
 * answer, or a 503) is sent again with the same key until it is definite.
 */
export async function race(system: TestSystem, crowd: Crowd): Promise<Buyer[]> {
  const progress = { accepted: 0, resent: 0 };
  let isSoldOut = false;
  let interruption: Promise<void> | undefined;
  const note = (answer: Answer) => {
    progress.accepted += answer.status === 202 ? 1 : 0;
    isSoldOut ||= answer.outcome === 'sold-out';
    if (crowd.afterAccepted && progress.accepted >= crowd.afterAccepted.count) {
      interruption ??= crowd.afterAccepted.do(progress);
      interruption.catch(() => undefined); // it is awaited only when everybody has an answer
    }
  };
  const noteResent = (buyer: Buyer) => {
    buyer.resent += 1;
    progress.resent += 1;
  };
  const run = Date.now().toString(36);
  const buyers = Array.from({ length: crowd.buyers }, (_, index) => ({
    name: `buyer-${run}-${index}`,
    key: `key-${index}`,
    answers: [] as Outcome[],
    resent: 0,
  }));
  const coming = buyers.values();
  const turn = turnsOf(crowd, () => isSoldOut);
  const comeOneByOne = async () => {
    for (const buyer of coming) {
      await turn();
      await ask(system, { buyer, crowd, note, noteResent });
    }
  };
  await Promise.all(Array.from({ length: crowd.atOnce ?? crowd.buyers }, comeOneByOne));
  if (crowd.afterAccepted && !interruption) {
    throw new Error(`${progress.accepted} were accepted: the race was not interrupted`);
  }
  await interruption;
  return buyers;
}

/** A crowd that was kept waiting by a fault does not make up for it: the units are to last until the next one. */
function turnsOf({ apartMs }: Crowd, isSoldOut: () => boolean): () => Promise<unknown> {
  if (apartMs === undefined) return () => Promise.resolve();
  let nextAtMs = 0;
  return () => {
    const atMs = Math.max(nextAtMs, performance.now());
    nextAtMs = atMs + apartMs;
    return eventually(() => isSoldOut() || performance.now() >= atMs, { withinMs: RESOLVED_WITHIN_MS });
  };
}

interface Asking {
  buyer: Buyer;
  crowd: Crowd;
  note: (answer: Answer) => void;
  noteResent: (buyer: Buyer) => void;
}

async function ask(system: TestSystem, { buyer, crowd, note, noteResent }: Asking): Promise<void> {
  const headers = {
    authorization: `Bearer ${system.token(buyer.name)}`,
    'idempotency-key': buyer.key,
    'content-type': 'application/json',
  };
  const copy = async (): Promise<Outcome> => {
    const sentAtMs = performance.now();
    const answer = await untilDefinite(
      () => placeOrder(system, crowd.saleId, headers),
      () => noteResent(buyer),
    );
    note(answer);
    return { ...answer, sentAtMs, answeredAtMs: performance.now() };
  };
  buyer.answers = await Promise.all(Array.from({ length: crowd.copies }, copy));
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
