import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { admission, arrival, nothingAt, TOO_LONG, URL_LENGTH_MAX } from './admission.js';
import type { TokenVerifier } from './access-token.js';
import type { BuyerRates } from './buyer-rates.js';
import './access.js'; // the types of `request.caller` and of a route's `access`
import { toProblem } from './error-to-problem.js';
import { ConnectionLimit } from './connection-limit.js';
import { createHttpServer, onClientError, type ServerLoad } from './http-server.js';
import { type KnownRoute, KnownRoutes } from './known-routes.js';
import { Problem, sendProblem } from './problem.js';
import { INTERNAL, REQUEST_TIMEOUT } from './problems.js';
import { WorkInHand, type WorkLimits } from './work-in-hand.js';
import { requestIdOf } from './request-id.js';
import { parseStrictJson } from './strict-json.js';

/** Enough for every body of this API except for those whose route sets a smaller `bodyLimit`. */
const BODY_BYTES_MAX = 64 * 1024;

/**
 * How long a stopping server goes on answering 503 `draining` before it closes what is idle: long enough for busy clients
 * to send once more and be told, so that nobody's request meets a connection that is just being closed.
 */
const DRAIN_MS = 1_000;

/**
 * How long requests in work may take to finish after that. The slowest reads from Postgres: 3 s for a connection and 5 s for a statement, begun
 * before the drain; what is still open then is a connection that never said anything. Leaves 1.5 s to close the stores before main.ts gives up.
 */
const CLOSE_GRACE_MS = 7_000;

/** How often connections that have become idle are closed meanwhile; Node does it only once, at the start. */
const IDLE_SWEEP_INTERVAL_MS = 50;

export interface ServerLimits extends WorkLimits {
  connectionsMax: number;
}

const NO_LIMITS: ServerLimits = { requestsMax: Infinity, bytesMax: Infinity, connectionsMax: 1_000_000 };

export interface HttpOptions {
  readonly tokens: TokenVerifier;
  /** How often a buyer may ask; without it, as often as they like. */
  readonly rates?: BuyerRates;
  /** What one process takes on; without it, everything. */
  readonly limits?: ServerLimits;
  /** Called once for every answer 500, with what was thrown. */
  readonly reportBug: (error: unknown, requestId: string) => void;
  readonly drainMs?: number;
  readonly closeGraceMs?: number;
}

/**
 * Nest's door to Fastify, and Fastify itself with the rules of the HTTP contract that hold for every route.
 * Routes may also be registered on `getInstance()` directly, before `app.init()`; they get the same answers.
 *
 * Promises:  every answer that is no success is a problem document with the request's id; a bug shows nothing of itself.
 * Promises:  from `startDraining()` on, new requests get 503 `draining`, those already received their answer.
 * Does not:  start Nest's middleware engine unless a module configures middleware: it costs every request, and hooks do the same.
 */
export class HttpAdapter extends FastifyAdapter {
  /** What it has in hand, and has refused. */
  readonly load: ServerLoad & Pick<HttpOptions, 'rates'>;
  readonly #options: HttpOptions;
  readonly #routes = new KnownRoutes();
  readonly #draining = new AbortController();

  constructor(options: HttpOptions) {
    const limits = options.limits ?? NO_LIMITS;
    const load = { work: new WorkInHand(limits), connections: new ConnectionLimit(limits.connectionsMax) };
    const instance = fastify({
      serverFactory: (take) => createHttpServer(take, load),
      clientErrorHandler: onClientError,
      frameworkErrors: (error, request, reply) =>
        this.#answer(isTooLong(request) ? TOO_LONG : error, reply as FastifyReply),
      genReqId: requestIdOf,
      bodyLimit: BODY_BYTES_MAX,
      routerOptions: { maxParamLength: URL_LENGTH_MAX },
      ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
      return503OnClosing: false, // draining is answered on arrival instead
    });
    const restore = refuseResponseHook(instance);
    super(instance);
    restore();
    this.#options = options;
    this.load = { ...load, rates: options.rates };
    this.#install(this.instance);
  }

  #install(fastify: FastifyInstance): void {
    fastify.decorateRequest('caller', null);
    fastify.addHook(
      'onRequest',
      arrival(this.#routes, () => this.isDraining),
    );
    fastify.addHook('onRoute', (route) => {
      this.#routes.add(route);
      route.onRequest = [admission(route.config ?? {}, this.#options), route.onRequest ?? []].flat();
    });
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, readJson);
    fastify.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body)); // of `rawBody` routes
    fastify.setNotFoundHandler((request, reply) => sendProblem(reply, nothingAt(request, this.#routes)));
    fastify.setErrorHandler((error, _request, reply) => this.#answer(error, reply));
  }

  #answer(error: unknown, reply: FastifyReply): void {
    const { raw, id } = reply.request;
    const problem = raw.destroyed && !raw.complete ? CLIENT_LEFT : toProblem(error);
    if (problem.type === INTERNAL) this.#options.reportBug(error, id);
    if (reply.sent || reply.raw.headersSent) return void reply.raw.destroy(); // half an answer is out: breaking it off is the only honest end
    reply.removeHeader('connection'); // Fastify closes after a body it did not like, and would leave the requests behind it unanswered
    sendProblem(reply, problem);
  }

  /** From now on new requests, also on open connections, are answered 503 `draining`. */
  startDraining(): void {
    this.#draining.abort();
  }

  /** Every route, also those that stand on Fastify itself; complete once the server is ready. */
  get routes(): readonly KnownRoute[] {
    return this.#routes.all;
  }

  get isDraining(): boolean {
    return this.#draining.signal.aborted;
  }

  /** Aborted when draining begins: for answers that would never end by themselves. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Nest calls this before it stops any module, so a request never meets a station that has stopped. */
  override beforeClose(): void {
    super.beforeClose();
    this.startDraining();
  }

  /** Resolves when every request that was received is answered and all connections are closed, at the latest after both time limits. */
  override async close(): Promise<void> {
    const server = this.instance.server;
    if (await hasConnections(server)) await delay(this.#options.drainMs ?? DRAIN_MS);
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_INTERVAL_MS);
    const giveUp = setTimeout(() => server.closeAllConnections(), this.#options.closeGraceMs ?? CLOSE_GRACE_MS);
    try {
      await super.close();
    } finally {
      clearInterval(sweep);
      clearTimeout(giveUp);
    }
  }

  /** Nest would send every error of Fastify through its filters only to arrive at ProblemFilter; ours answers at once, on every route. */
  override setErrorHandler(): FastifyInstance {
    return this.instance;
  }

  /** Nest would start its middleware engine here. */
  override async init(): Promise<void> {}

  override use(): never {
    throw new Error('Bug: app.use() needs the middleware engine; add a Fastify hook instead');
  }

  /** Nest's would know nothing of methods. */
  override setNotFoundHandler(): FastifyInstance {
    return this.instance;
  }

  /** Nest's parsers would take the place of the strict one, and read forms as well. */
  override registerParserMiddleware(): void {}
}

/** The adapter to hand to `NestFactory.create(AppModule, createHttpAdapter(options))`. */
export const createHttpAdapter = (options: HttpOptions): HttpAdapter => new HttpAdapter(options);

const CLIENT_LEFT = new Problem(REQUEST_TIMEOUT, 'The client left before its request was complete.'); // nobody is there to read it

const isTooLong = ({ url }: FastifyRequest): boolean => url.length > URL_LENGTH_MAX;

/** An empty body is an absent one, whatever its content type. */
const readJson = (_request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: unknown) => void): void =>
  done(null, body.length === 0 ? undefined : parseStrictJson(body));

/**
 * Nest's adapter hooks into every request and every answer. Its request hooks are needed (CORS, odd request targets) and cheap;
 * its answer hook serves a feature that is not used here and costs 1.5 µs, since Fastify then listens to the end of each answer.
 */
function refuseResponseHook(instance: FastifyInstance): () => void {
  const own = Object.getOwnPropertyDescriptor(instance, 'addHook') as PropertyDescriptor;
  const addHook = instance.addHook.bind(instance) as (name: string, hook: unknown) => FastifyInstance;
  const value = (name: string, hook: unknown) => (name === 'onResponse' ? instance : addHook(name, hook));
  Object.defineProperty(instance, 'addHook', { ...own, value });
  return () => Object.defineProperty(instance, 'addHook', own);
}

const hasConnections = (server: Server): Promise<boolean> =>
  new Promise((resolve) => server.getConnections((error, count) => resolve(!error && count > 0)));
