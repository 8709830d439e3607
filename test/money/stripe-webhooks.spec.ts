import Stripe from 'stripe';
import { v7 as uuidv7 } from 'uuid';
import { StripeWebhooks } from '../../src/payment/stripe-webhooks.js';

const SECRET = 'whsec_of_these_tests_that_is_long_enough';

describe('webhooks of Stripe', () => {
  it.each([
    ['null', 'null'],
    ['an event of its second API, which says only where to look', '{"id":"evt_1","object":"v2.core.event"}'],
    ['an event about nothing', '{"id":"evt_1","type":"refund.updated","data":{"object":null}}'],
  ])('that are signed and say %s are no event, and not forged', (_, body) => {
    const signature = new Stripe('sk').webhooks.generateTestHeaderString({ payload: body, secret: SECRET });
    const reading = new StripeWebhooks([SECRET]).read(Buffer.from(body), { 'stripe-signature': signature });
    expect(reading).toEqual({ refusedBecause: 'no-event' });
  });

  const signedAt = (body: string, timestamp: number) =>
    new Stripe('sk').webhooks.generateTestHeaderString({ payload: body, secret: SECRET, timestamp });
  const read = (body: string, signature = signedAt(body, Math.floor(Date.now() / 1_000))) =>
    new StripeWebhooks([SECRET]).read(Buffer.from(body), { 'stripe-signature': signature });
  const anEvent = (type: string, object: object) =>
    JSON.stringify({ id: 'evt_1', object: 'event', type, data: { object } });

  it.each([
    [295, 'event', undefined],
    [302, 'refusedBecause', 'stale-signature'],
  ])('that were signed %s seconds ago have %s', (ageSeconds, property, because) => {
    const body = anEvent('charge.dispute.created', {});
    const reading = read(body, signedAt(body, Math.floor(Date.now() / 1_000) - ageSeconds));
    if (because === undefined) expect(reading).toHaveProperty(property);
    else expect(reading).toEqual({ [property]: because });
  });

  it('of an older version of its API say as well that a refund is through', () => {
    const metadata = { paymentId: 'cs_test_1', orderId: uuidv7() };
    expect(read(anEvent('charge.refund.updated', { id: 're_1', status: 'succeeded', metadata }))).toMatchObject({
      event: { type: 'refund.succeeded', ...metadata },
    });
  });

  it('say of an order that costs nothing that it is paid', () => {
    const session = { id: 'cs_1', client_reference_id: uuidv7(), amount_total: 0, currency: 'usd' };
    const body = anEvent('checkout.session.completed', { ...session, payment_status: 'no_payment_required' });
    expect(read(body)).toMatchObject({ event: { type: 'payment.succeeded', amountMinor: 0 } });
  });

  it('that are forged are not read, whatever they say', () => {
    const signature = new Stripe('sk').webhooks.generateTestHeaderString({ payload: 'null', secret: 'another' });
    const reading = new StripeWebhooks([SECRET]).read(Buffer.from('null'), { 'stripe-signature': signature });
    expect(reading).toEqual({ refusedBecause: 'invalid-signature' });
  });
});
