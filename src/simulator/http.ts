import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { z } from 'zod';

const BODY_BYTES_MAX = 16_384;

/** An answer that is not a success. */
export class Refusal extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** Answers JSON; what goes wrong is `{ "error": "…" }`. Does not log requests: there are thousands a second. */
export function createHttp(logger: Logger): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, logger: false });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const statusCode = error.statusCode ?? 500;
    if (!(error instanceof Refusal) && statusCode >= 500) logger.error({ err: error }, 'a request met a bug');
    const message = statusCode >= 500 && !(error instanceof Refusal) ? 'The simulator has a bug.' : error.message;
    return reply.code(statusCode).send({ error: message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'There is nothing here.' }));
  return app;
}

/** @throws Refusal 400 that names every field that is wrong. */
export function validate<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'the request'}: ${message}`);
  throw new Refusal(400, problems.join('; '));
}
