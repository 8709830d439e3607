import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Payment } from './books.js';
import type { CashDesk } from './cash-desk.js';
import { CONTENT_SECURITY_POLICY, renderPayment, renderUnknown } from './pay-page.js';

interface WithId {
  Params: { id: string };
}

/** The page on which a person pays, and what its buttons do. The buttons lead back to it, so that reloading it does nothing. */
export function addPayRoutes(app: FastifyInstance, desk: CashDesk): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, done) => {
    payload.resume(); // the forms have no fields
    done(null);
  });
  app.get<WithId>('/pay/:id', ({ params }, reply) => {
    const payment = desk.payment(params.id);
    return payment ? send(reply, 200, renderPayment(payment, new Date())) : send(reply, 404, renderUnknown());
  });
  app.post<WithId>(
    '/pay/:id/approve',
    press((payment) => desk.approve(payment)),
  );
  app.post<WithId>(
    '/pay/:id/decline',
    press((payment) => desk.decline(payment)),
  );

  function press(act: (payment: Payment) => void) {
    return ({ params }: FastifyRequest<WithId>, reply: FastifyReply) => {
      const payment = desk.payment(params.id);
      if (!payment) return send(reply, 404, renderUnknown());
      act(payment);
      return reply.redirect(`../${payment.paymentId}`, 303);
    };
  }
}

const send = (reply: FastifyReply, status: number, page: string): FastifyReply =>
  reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .send(page);
