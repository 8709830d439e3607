import { createVerifier } from 'fast-jwt';
import { fastify } from 'fastify';

/**
 * What our intake is measured by: a bare Fastify server that validates the same body and answers JSON of the same form,
 * with `YARDSTICK_SECRET` set after it has verified the same token. It sells nothing.
 */
const secret = process.env.YARDSTICK_SECRET;
const verify = secret === undefined ? undefined : createVerifier({ key: secret, algorithms: ['HS256'] });

const server = fastify();
server.post<{ Params: { saleId: string }; Body: { quantity: number } }>(
  '/v1/sales/:saleId/orders',
  {
    schema: {
      body: {
        type: 'object',
        required: ['quantity'],
        additionalProperties: false,
        properties: { quantity: { type: 'integer', minimum: 1, maximum: 999 } },
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
    },
  },
  (request, reply) => {
    verify?.(request.headers.authorization?.slice(7) ?? '');
    const { saleId } = request.params;
    reply.code(202).header('location', `/v1/sales/${saleId}/orders/${saleId}`).send({
      orderId: saleId,
      saleId,
      quantity: request.body.quantity,
      status: 'queued',
      acceptedAt: new Date().toISOString(),
      version: 1,
    });
  },
);
await server.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.send?.('ready');
process.once('disconnect', () => process.exit(0));
