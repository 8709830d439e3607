import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyError, FastifyReply } from 'fastify';

/** Hands what a Nest handler throws to Fastify's error handler, so that Nest's routes and Fastify's answer alike. To be set with `app.useGlobalFilters`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    reply.server.errorHandler(error as FastifyError, reply.request, reply);
  }
}
