import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { callerOf } from '../platform/http/access.js';
import { readIdempotencyKey } from '../platform/http/idempotency-key.js';
import { Problem, sendProblem } from '../platform/http/problem.js';
import { INVALID_FIELD } from '../platform/http/problems.js';
import { surelyNotExecuted } from '../platform/redis/errors.js';
import { isStoreAway } from '../platform/store-errors.js';
import type { SaleTerms, SaleTermsReader } from '../orders/sale-terms.js';
import { orderPath, requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { laneOf } from '../stock/lane-of.js';
import type { Acceptance, Decision, ReserveRequest } from '../stock/decision.js';
import type { BacklogLimit } from './backlog-limit.js';
import { newOrderId } from './order-id.js';
import type { IntakeMetrics, IntakeOutcome } from './intake-metrics.js';
import { LOST_REPLY, NOT_ASKED, refusalProblem, tooManyWait } from './refusal-problems.js';
import type { ReserveBatcher } from './reserve-batcher.js';
import type { SealedOrders } from './sealed-orders.js';

const BODY_BYTES_MAX = 4 * 1024;

/** The reserve script takes up to 999 units; a sale's own limit is looked at when the sale is known. */
const QUANTITY_MAX = 999;

const SCHEMA = {
  body: {
    type: 'object',
    required: ['quantity'],
    additionalProperties: false,
    properties: { quantity: { type: 'integer', minimum: 1, maximum: QUANTITY_MAX } },
  },
  response: {
    202: {
      type: 'object',
      properties: {
        orderId: { type: 'string' },
        saleId: { type: 'string' },
        quantity: { type: 'integer' },
        status: { type: 'string' },
        acceptedAt: { type: 'string' },
        version: { type: 'integer' },
      },
    },
  },
} as const;

interface PlaceOrderRoute {
  Params: { saleId: string };
  Body: { quantity: number };
}
type PlaceOrderRequest = FastifyRequest<PlaceOrderRoute>;

/**
 * `POST /v1/sales/{saleId}/orders`: the one route that a stampede hits. It stands on Fastify itself, for every layer
 * above it is paid per order.
 *
 * Promises:  a 202 leaves only after Redis has taken the units and put the order on the stream, on its disk.
 * Promises:  a refusal leaves nothing behind; where nothing is known the answer says so (`outcome-unknown`).
 * Does not:  look at stock, or remember that a sale is sold out: a buyer who already has an order must get it again.
 */
export class PlaceOrder {
  #reportedAtMs = -Infinity;

  constructor(
    private readonly deciding: { batcher: ReserveBatcher; sealed: SealedOrders; backlog: BacklogLimit },
    private readonly terms: SaleTermsReader,
    private readonly metrics: IntakeMetrics,
    private readonly stockLanes: number,
    private readonly logger: Logger,
  ) {}

  register(server: FastifyInstance): void {
    server.post<PlaceOrderRoute>(
      '/v1/sales/:saleId/orders',
      { bodyLimit: BODY_BYTES_MAX, schema: SCHEMA, config: { access: 'buyer' } },
      (request, reply) => this.handle(request, reply),
    );
  }

  private async handle(request: PlaceOrderRequest, reply: FastifyReply): Promise<unknown> {
    const idempotencyKey = readIdempotencyKey(request.headers['idempotency-key']);
    const terms = this.terms.remembered(request.params.saleId) ?? (await this.readTerms(request.params.saleId));
    const { quantity } = request.body;
    if (quantity > terms.maxPerOrder) throw tooMany(terms.maxPerOrder);

    const buyer = callerOf(request).subject;
    const lane = laneOf(terms, buyer, this.stockLanes);
    const decision = await this.decide(lane, terms, { orderId: newOrderId(), buyer, idempotencyKey, quantity });
    if (decision instanceof Problem) return sendProblem(reply, decision);
    if ('orderId' in decision) return this.accepted(reply, { saleId: terms.saleId, quantity }, decision);
    const { outcome } = decision;
    if (outcome !== 'OVERLOADED') return sendProblem(reply, refusalProblem(outcome, terms));
    return sendProblem(reply, tooManyWait(this.deciding.backlog.retryAfterSeconds(lane)));
  }

  private async decide(
    lane: number,
    { saleId, isSealed }: SaleTerms,
    request: ReserveRequest,
  ): Promise<Decision | Problem> {
    const { batcher, sealed } = this.deciding;
    try {
      const decision = await (isSealed ? sealed.decide(saleId, request) : batcher.reserve(lane, saleId, request));
      this.metrics.request(decision.outcome.toLowerCase() as IntakeOutcome);
      return decision;
    } catch (error) {
      if (!isStoreAway(error)) this.reportOdd(error);
      const isSure = isSealed || surelyNotExecuted(error); // of a sealed sale something is only looked up
      this.metrics.request(isSure ? 'store_unavailable' : 'outcome_unknown');
      return isSure ? NOT_ASKED : LOST_REPLY;
    }
  }

  private accepted(
    reply: FastifyReply,
    { saleId, quantity }: { saleId: string; quantity: number },
    { orderId, version, decidedAtMs, outcome }: Acceptance,
  ): object {
    reply.code(202).header('location', orderPath(saleId, orderId));
    if (outcome === 'REPEATED') reply.header('idempotency-replayed', 'true');
    return { orderId, saleId, quantity, status: 'queued', acceptedAt: new Date(decidedAtMs).toISOString(), version };
  }

  /** What is neither a decision nor a store that is away is a bug. Said at most once a second: it may meet every order. */
  private reportOdd(err: unknown): void {
    if (performance.now() - this.#reportedAtMs < 1_000) return;
    this.#reportedAtMs = performance.now();
    this.logger.error({ err }, 'orders cannot be decided');
  }

  private async readTerms(saleId: string): Promise<SaleTerms> {
    const terms = await this.terms.read(requireUuid(saleId));
    if (!terms) throw SALE_NOT_FOUND;
    return terms;
  }
}

const tooMany = (maxPerOrder: number) =>
  new Problem(INVALID_FIELD, 'One order cannot have so many units.', {
    errors: [{ pointer: '/quantity', detail: `must be 1 to ${maxPerOrder}` }],
  });
