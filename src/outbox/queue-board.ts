import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Queue } from 'bullmq';
import type { FastifyInstance, onRequestHookHandler, onSendAsyncHookHandler } from 'fastify';
import type { HttpAdapter } from '../platform/http/http-adapter.js';
import { Problem } from '../platform/http/problem.js';
import { METHOD_NOT_ALLOWED } from '../platform/http/problems.js';

const PATH = '/ops/queues';
const READ_ONLY = new Problem(METHOD_NOT_ALLOWED, 'The queues can be looked at here, and not be changed.', {
  headers: { allow: 'GET, HEAD' },
});

/**
 * Bull Board, for an operator's browser: what waits in the queues, and why it failed last. A browser cannot send a bearer
 * token by itself, so here the token may come as the password of HTTP's basic authentication, under any name.
 *
 * Promises:  only admins see it, and nobody changes anything by it: a browser sends such a password by itself, also on behalf
 *            of another site. Nor is there anything to change: what is lost in a queue comes again from the outbox.
 */
@Injectable()
export class QueueBoard implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost<HttpAdapter>,
    @Inject('queues') private readonly queues: Queue[],
  ) {}

  onModuleInit(): void {
    for (const queue of this.queues) queue.on('error', () => undefined); // its connection tells the log
    const board = new FastifyAdapter().setBasePath(PATH);
    createBullBoard({
      queues: this.queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
      serverAdapter: board,
      options: { uiConfig: { boardTitle: 'Stampede', hideRedisDetails: true } },
    });
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    void server.register((scope, _, done) => {
      // The board's own would hide our problem documents.
      Object.defineProperty(scope, 'setErrorHandler', { value: () => scope });
      scope.addHook('onRoute', (route) => {
        route.config = { ...route.config, operation: 'page' };
      });
      scope.addHook('onRequest', passwordAsToken).addHook('onSend', askForPassword);
      void scope.register(board.registerPlugin(), { prefix: PATH });
      done();
    });
  }
}

const passwordAsToken: onRequestHookHandler = (request, _, done) => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return done(READ_ONLY);
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (encoded) {
    const [, password = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
    request.headers.authorization = `Bearer ${password}`;
  }
  done();
};

const askForPassword: onSendAsyncHookHandler = (_, reply, payload) => {
  if (reply.statusCode === 401) reply.header('www-authenticate', 'Basic realm="Stampede operations", charset="UTF-8"');
  return Promise.resolve(payload);
};
