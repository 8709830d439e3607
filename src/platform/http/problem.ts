import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { requestIdOf } from './request-id.js';

/**
 * Problem types (RFC 9457): every answer of the API that is not a success has one of them.
 *
 * Promises:  a type is declared once; its slug is the last segment of its address `/problems/<slug>` and never changes.
 * Does not:  know any business. Stations declare their own types beside the code that answers with them.
 */
export interface ProblemType {
  /** Words of a-z joined by hyphens. */
  readonly slug: string;
  /** HTTP status, 400–599. */
  readonly status: number;
  /** One sentence without a full stop, the same for every occurrence. */
  readonly title: string;
  /** When it is answered. `when` and `next` are sentences for whoever writes a client: `/problems/<slug>` shows them. */
  readonly when: string;
  /** What to do next. */
  readonly next: string;
}

const declared = new Map<string, ProblemType>();

/** Declares a problem type. Throws when the slug is taken: two meanings under one address would be a bug. */
export function problemType(slug: string, status: number, words: Omit<ProblemType, 'slug' | 'status'>): ProblemType {
  if (declared.has(slug)) throw new Error(`Bug: the problem type '${slug}' is declared twice`);
  const type: ProblemType = { slug, status, ...words };
  declared.set(slug, type);
  return type;
}

/** Every problem type that was declared so far, in the order of declaration. */
export const problemTypes = (): ProblemType[] => [...declared.values()];

/** One wrong place in a body. */
export interface FieldError {
  /** JSON Pointer (RFC 6901), `''` for the whole body. */
  readonly pointer: string;
  readonly detail: string;
}

export interface ProblemExtras {
  /** Whole seconds until a new attempt makes sense: the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An answer that is not a success. It may be thrown anywhere below a request handler, or be handed to `sendProblem`.
 *
 * It is a value that happens to be an Error: it carries no stack, because nobody reads the stack of an
 * answer, and collecting it costs more than the answer itself. A Problem without anything that is
 * particular to one request should be a constant; its body is then serialised once.
 */
export class Problem extends Error {
  readonly type: ProblemType;
  readonly detail: string;
  readonly extras: ProblemExtras;
  /** The body on both sides of the request id, which is the only part that differs between two answers. */
  #body: readonly [before: string, after: string] | undefined;

  constructor(type: ProblemType, detail: string, extras: ProblemExtras = {}) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Problem';
    this.type = type;
    this.detail = detail;
    this.extras = extras;
  }

  /** The `application/problem+json` document. `requestId` consists of `A-Z a-z 0-9 . _ -`, so it needs no escaping. */
  body(requestId: string): string {
    this.#body ??= this.#serialise();
    return this.#body[0] + requestId + this.#body[1];
  }

  #serialise(): [string, string] {
    const { slug, title, status } = this.type;
    const before = JSON.stringify({
      type: `/problems/${slug}`,
      title,
      status,
      detail: this.detail,
      instance: '',
    }).slice(0, -2);
    const after = this.extras.errors ? `","errors":${JSON.stringify(this.extras.errors)}}` : '"}';
    return [before, after];
  }
}

/** Answers with the problem. Sets Content-Type, X-Request-Id, Retry-After, for a 401 WWW-Authenticate, and the problem's own headers. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { id } = reply.request;
  const { retryAfterSeconds, headers } = problem.extras;
  reply.code(problem.type.status);
  reply.header('x-request-id', id);
  reply.header('content-type', 'application/problem+json; charset=utf-8');
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (problem.type.status === 401) reply.header('www-authenticate', 'Bearer');
  if (headers) reply.headers(headers);
  return reply.send(problem.body(id));
}

/** The same for an answer that no route gives: of Node's own, before Fastify sees it. */
export function sendRawProblem(response: ServerResponse, problem: Problem, headers: Record<string, string> = {}): void {
  const id = requestIdOf(response.req);
  response.writeHead(problem.type.status, {
    ...headers,
    'x-request-id': id,
    'content-type': 'application/problem+json; charset=utf-8',
    'retry-after': String(problem.extras.retryAfterSeconds),
  });
  response.end(problem.body(id));
}
