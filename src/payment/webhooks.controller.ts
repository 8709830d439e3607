import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Access, Operation } from '../platform/http/access.js';
import type { RequestHeader } from '../platform/http/operation.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { INVALID_BODY } from '../platform/http/problems.js';
import { identifier, instant } from '../platform/http/shapes.js';
import { WebhookReader } from './payment-gateway.js';
import { WebhookInbox } from './webhook-inbox.js';

const challenge = { headers: { 'www-authenticate': 'Stampede-Signature' } };

const REFUSALS = {
  'invalid-signature': new Problem(
    problemType('invalid-signature', 401, {
      title: 'The webhook is not signed by a key of this system',
      when: 'The signature is missing, malformed, or not made with a secret that is in force.',
      next: 'Sign the raw bytes of the body with a secret that both sides have.',
    }),
    'Sign the raw body with a secret that is in force.',
    challenge,
  ),
  'stale-signature': new Problem(
    problemType('stale-signature', 401, {
      title: 'The webhook was signed at another time',
      when: 'The signature is right, and its time is more than 300 s from now.',
      next: 'Sign the webhook anew at each attempt, by a clock that is right.',
    }),
    'The time of the signature must be within 300 s of now.',
    challenge,
  ),
  'no-event': new Problem(INVALID_BODY, 'The signed body is not an event.'),
};

const SIGNATURE: RequestHeader = {
  description: '`t=<unix seconds>,v1=<hex hmac-sha256(secret, t + "." + raw body)>`; several `v1` are allowed',
  shape: z.string(),
  required: true,
  problems: [REFUSALS['invalid-signature'].type, REFUSALS['stale-signature'].type],
};

/** What a gateway should send. Whoever signs is not refused for a field that is missing, or not what it should be. */
const eventShape = z
  .looseObject({
    id: z.string(),
    type: z
      .string()
      .meta({ description: 'Others than `payment.succeeded`, `payment.failed` and `refund.succeeded` have no effect' }),
    createdAt: instant.optional(),
    data: z
      .looseObject({ paymentId: z.string(), orderId: identifier, amountMinor: z.int(), currency: z.string() })
      .partial()
      .optional(),
  })
  .meta({
    id: 'PaymentEvent',
    examples: [
      {
        id: 'evt-1',
        type: 'payment.succeeded',
        createdAt: '2026-11-27T08:10:00.000Z',
        data: {
          paymentId: 'pay-1',
          orderId: '0199f3a2-6c2d-7e5f-9071-8293a4b5c6d7',
          amountMinor: 1999,
          currency: 'USD',
        },
      },
    ],
  });

const receipt = z.object({ received: z.literal(true) });

/** Where gateways tell us what became of the money. Whoever signs correctly is listened to; what is done about it is decided later. */
@Controller('v1/payments/webhooks')
export class WebhooksController {
  constructor(
    private readonly reader: WebhookReader,
    private readonly inbox: WebhookInbox,
  ) {}

  @Access('public', { rawBody: true })
  @Post()
  @HttpCode(200)
  @Operation({
    id: 'receiveWebhook',
    tag: 'Payments',
    summary: 'A gateway tells what has become of the money',
    description: "With Stripe as the gateway: Stripe's own events, and its `Stripe-Signature`.",
    headers: { 'Stampede-Signature': SIGNATURE },
    body: eventShape,
    answers: { 200: { description: 'Signed, and kept', body: receipt } },
  })
  async receive(@Req() { headers }: FastifyRequest, @Body() body: unknown): Promise<z.infer<typeof receipt>> {
    const raw = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const reading = this.reader.read(raw, headers);
    if ('refusedBecause' in reading) throw REFUSALS[reading.refusedBecause];
    await this.inbox.keep(reading.event, raw);
    return { received: true };
  }
}
