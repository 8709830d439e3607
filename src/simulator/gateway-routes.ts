import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Agenda } from './agenda.js';
import { behaviourSchema, type Temper } from './behaviour.js';
import type { Books, Payment } from './books.js';
import type { CashDesk } from './cash-desk.js';
import { Refusal, validate } from './http.js';

const LOWER_CASE_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const uuid = z.string().regex(LOWER_CASE_UUID, 'must be a lower-case UUID');

const termsSchema = z.strictObject({
  orderId: uuid,
  saleId: uuid,
  amountMinor: z.int().nonnegative(),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
  description: z.string().min(1).max(1_000),
  payBefore: z.iso.datetime({ offset: true }),
  returnUrl: z.url({ protocol: /^https?$/ }).max(2_000),
});

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);
const pageSchema = z.strictObject({
  since: wholeNumber.default(0),
  after: wholeNumber.default(0),
  limit: wholeNumber.refine((limit) => limit >= 1 && limit <= 1_000, 'must be from 1 to 1000').default(100),
});

export interface Gateway {
  desk: CashDesk;
  books: Books;
  temper: Temper;
  agenda: Agenda;
  /** Known only once it listens. */
  publicUrl: () => string;
}

interface WithId {
  Params: { id: string };
}

/** The protocol of docs/PAYMENTS.md: what the shop calls, and what whoever tests the shop calls. */
export function addGatewayRoutes(app: FastifyInstance, gateway: Gateway): void {
  const { books, temper } = gateway;
  app.post('/payments', misbehaving(gateway, askForPayment));
  app.post<WithId>('/payments/:id/refunds', misbehaving(gateway, askForRefund));
  app.get<WithId>(
    '/payments/:id',
    misbehaving(gateway, (request, _reply, { publicUrl }) => toView(find(gateway, request), publicUrl())),
  );
  app.get(
    '/charges',
    misbehaving(gateway, (request) => {
      const { since, after, limit } = validate(pageSchema, request.query);
      const { charges, next } = books.chargesSince(since, after, limit);
      return { charges: charges.map(toCharge), next: next === null ? null : String(next) };
    }),
  );

  app.get('/behaviour', () => temper.behaviour);
  app.put('/behaviour', (request) => {
    temper.behaviour = validate(behaviourSchema, request.body);
    return temper.behaviour;
  });
}

function askForPayment(request: FastifyRequest, reply: FastifyReply, { desk, publicUrl }: Gateway): object {
  const terms = validate(termsSchema, request.body);
  if (keyOf(request) !== terms.orderId) throw new Refusal(400, 'Idempotency-Key: must be the order id');
  const asked = desk.ask(terms);
  if (!asked) throw new Refusal(422, 'This order has a payment of another amount or currency.');
  reply.code(asked.isNew ? 201 : 200);
  const { paymentId, status, paymentUrl } = toView(asked.payment, publicUrl());
  return { paymentId, status, paymentUrl };
}

function askForRefund(request: FastifyRequest<WithId>, reply: FastifyReply, gateway: Gateway): object {
  const payment = find(gateway, request);
  if (keyOf(request) !== payment.paymentId) throw new Refusal(400, 'Idempotency-Key: must be the payment id');
  const asked = gateway.desk.refund(payment);
  if (!asked) throw new Refusal(409, 'This payment has taken no money, so none can be given back.');
  reply.code(asked.isNew ? 201 : 200);
  return toRefund(asked.refund);
}

/** Answers as the temper is: late, after the caller has gone, or with a failure that may not be one. */
function misbehaving<Request extends FastifyRequest>(
  gateway: Gateway,
  handle: (request: Request, reply: FastifyReply, gateway: Gateway) => object,
): (request: Request, reply: FastifyReply) => Promise<object> {
  return async (request, reply) => {
    const { fails, waitMs } = gateway.temper.manner();
    if (fails === 'undone') throw new Refusal(500, 'The simulator fails, as it was told to.');
    const answer = handle(request, reply, gateway);
    if (waitMs > 0) await gateway.agenda.wait(waitMs);
    if (fails === 'done') throw new Refusal(500, 'The simulator fails, as it was told to, but has done it.');
    return answer;
  };
}

function find({ desk }: Gateway, { params }: { params: unknown }): Payment {
  const payment = desk.payment((params as WithId['Params']).id);
  if (!payment) throw new Refusal(404, 'There is no such payment.');
  return payment;
}

const keyOf = ({ headers }: FastifyRequest): unknown => headers['idempotency-key'];

function toView({ plan: _, declinedAtMs: __, capturedAtMs, refund, ...terms }: Payment, publicUrl: string) {
  return {
    ...terms,
    status: capturedAtMs === null ? 'pending' : 'succeeded',
    paymentUrl: `${publicUrl}/pay/${terms.paymentId}`,
    refund: refund && toRefund(refund),
  };
}

const toRefund = ({ refundId, isDone }: NonNullable<Payment['refund']>) => ({
  refundId,
  status: isDone ? 'succeeded' : 'pending',
});

const toCharge = ({ paymentId, orderId, amountMinor, currency, capturedAtMs }: Payment) => ({
  paymentId,
  orderId,
  amountMinor,
  currency,
  capturedAt: new Date(capturedAtMs ?? 0).toISOString(),
});
