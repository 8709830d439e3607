import Stripe from 'stripe';
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

  it('that are forged are not read, whatever they say', () => {
    const signature = new Stripe('sk').webhooks.generateTestHeaderString({ payload: 'null', secret: 'another' });
    const reading = new StripeWebhooks([SECRET]).read(Buffer.from('null'), { 'stripe-signature': signature });
    expect(reading).toEqual({ refusedBecause: 'invalid-signature' });
  });
});
