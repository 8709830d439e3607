import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Access } from '../platform/http/access.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { INVALID_BODY } from '../platform/http/problems.js';
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
  async receive(@Req() { headers }: FastifyRequest, @Body() body: unknown): Promise<{ received: true }> {
    const raw = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const reading = this.reader.read(raw, headers);
    if ('refusedBecause' in reading) throw REFUSALS[reading.refusedBecause];
    await this.inbox.keep(reading.event, raw);
    return { received: true };
  }
}
