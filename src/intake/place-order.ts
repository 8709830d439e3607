import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { callerOf } from '../platform/http/access.js';
import { IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, readIdempotencyKey } from '../platform/http/idempotency-key.js';
import { LOCATION, type OperationDescription } from '../platform/http/operation.js';
import { Problem, sendProblem } from '../platform/http/problem.js';
import { INVALID_FIELD, OVERLOADED } from '../platform/http/problems.js';
import { surelyNotExecuted } from '../platform/redis/errors.js';
import { isStoreAway } from '../platform/store-errors.js';
import type { SaleTerms, SaleTermsReader } from '../orders/sale-terms.js';
import { orderPath, requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { laneOf } from '../stock/lane-of.js';
import type { Acceptance, Decision, ReserveRequest } from '../stock/decision.js';
import type { BacklogLimit } from './backlog-limit.js';
import { newOrderId } from './order-id.js';
import type { IntakeMetrics, IntakeOutcome } from './intake-metrics.js';
import { LOST_REPLY, NOT_ASKED, REFUSAL_TYPES, refusalProblem, tooManyWait } from './refusal-problems.js';
import type { ReserveBatcher } from './reserve-batcher.js';
import type { SealedOrders } from './sealed-orders.js';

const BODY_BYTES_MAX = 4 * 1024;

/** The reserve script takes up to 999 units; a sale's own limit is looked at when the sale is known. */
const QUANTITY_MAX = 999;

/** Compiled by Fastify, and shown by the document. `format: 'date-time'` would lead the serializer by a slower way. */
const SCHEMA = {
  body: {
    type: 'object',
    required: ['quantity'],
    additionalProperties: false,
    properties: { quantity: { type: 'integer', minimum: 1, maximum: QUANTITY_MAX } },
    examples: [{ quantity: 1 }],
  },
  response: {
    202: {
      type: 'object',
      required: ['orderId', 'saleId', 'quantity', 'status', 'acceptedAt', 'version'],
      additionalProperties: false,
      properties: {
        orderId: { type: 'string', format: 'uuid' },
        saleId: { type: 'string', format: 'uuid' },
        quantity: { type: 'integer' },
        status: { type: 'string', enum: ['queued'] },
        acceptedAt: { type: 'string' },
        version: { type: 'integer' },
      },
      examples: [
        {
          orderId: '0199f3a2-6c2d-7e5f-9071-8293a4b5c6d7',
          saleId: '0199f3a2-5b1c-7d4e-8f60-718293a4b5c6',
          quantity: 1,
          status: 'queued',
          acceptedAt: '2026-11-27T08:00:00.123Z',
          version: 1_000_000_000_001,
        },
      ],
    },
  },
} as const;

const OPERATION: OperationDescription = {
  id: 'placeOrder',
  tag: 'Orders',
  summary: 'Place an order',
  description:
    'A 202 means: the units are yours, and the order will be stored exactly once. The same key with the same quantity gets the same answer for as long as the sale exists. A refusal leaves nothing behind.',
  headers: { 'Idempotency-Key': IDEMPOTENCY_KEY },
  body: SCHEMA.body,
  answers: {
    202: {
      description: 'The order is accepted',
      body: SCHEMA.response[202],
      headers: { Location: LOCATION, 'Idempotency-Replayed': IDEMPOTENCY_REPLAYED },
    },
  },
  problems: [SALE_NOT_FOUND.type, ...REFUSAL_TYPES, LOST_REPLY.type, OVERLOADED],
};

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
      { bodyLimit: BODY_BYTES_MAX, schema: SCHEMA, config: { access: 'buyer', operation: OPERATION } },
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
