import type { AddressInfo } from 'node:net';
import { Body, Controller, Get, HttpException, Module, Param, Post, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Access, CurrentCaller } from '../../src/platform/http/access.js';
import { signToken, TokenVerifier, type Caller } from '../../src/platform/http/access-token.js';
import { createHttpAdapter, type HttpAdapter, type HttpOptions } from '../../src/platform/http/http-adapter.js';
import { Problem, problemType } from '../../src/platform/http/problem.js';
import { ProblemFilter } from '../../src/platform/http/problem-filter.js';
import { RequestSchemaPipe } from '../../src/platform/http/request-schema-pipe.js';

export const SECRET = 'a-secret-of-at-least-thirty-two-bytes';
export const BUYER = `Bearer ${signToken(SECRET, { sub: 'alice', ttlSeconds: 60 })}`;
export const ADMIN = `Bearer ${signToken(SECRET, { sub: 'root', role: 'admin', ttlSeconds: 60 })}`;

export const ODD = problemType('odd-thing', 409, {
  title: 'The thing is odd',
  when: 'In tests.',
  next: 'Try another one.',
});

const Thing = z.strictObject({ name: z.string().min(1), sizes: z.array(z.number().int()).optional() });
const Page = z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) });

@Controller('nest')
class ThingsController {
  @Post('things')
  create(@Body({ schema: Thing }) thing: z.infer<typeof Thing>): unknown {
    return thing;
  }

  @Get('things')
  @Access('public')
  list(@Query({ schema: Page }) page: z.infer<typeof Page>): unknown {
    return page;
  }

  @Get('things/:id')
  @Access('buyer')
  read(@Param('id', { schema: z.uuid() }) id: string, @CurrentCaller() caller: Caller): unknown {
    return { id, caller };
  }

  @Get('bug')
  @Access('public')
  bug(): never {
    throw new Error('postgres://user:password@host is on fire');
  }

  @Get('odd')
  @Access('public')
  odd(): never {
    throw new Problem(ODD, 'Try another one.', {
      retryAfterSeconds: 7,
      errors: [{ pointer: '/a~1b', detail: 'is odd' }],
    });
  }

  @Get('teapot')
  @Access('public')
  teapot(): never {
    throw new HttpException('internal words', 404);
  }
}

@Controller('open')
@Access('public')
class OpenController {
  @Get('anybody')
  anybody(): unknown {
    return {};
  }

  @Get('nobody')
  @Access('admin')
  nobody(): unknown {
    return {};
  }
}

@Module({ controllers: [ThingsController, OpenController] })
class TinyModule {}

export interface TinyApp {
  readonly adapter: HttpAdapter;
  readonly port: number;
  readonly url: string;
  /** The direct route. */
  readonly till: Till;
  readonly bugs: unknown[];
  close(): Promise<void>;
}

/** What stands behind the direct route: it takes orders, and can be made to hesitate. */
export class Till {
  /** The quantities that were taken, in order. */
  readonly taken: number[] = [];
  #held = Promise.resolve();
  readonly #watchers: (() => void)[] = [];

  async take(quantity: number): Promise<void> {
    this.taken.push(quantity);
    for (const watch of this.#watchers) watch();
    await this.#held;
  }

  /** Makes every order wait until the returned function is called. */
  hold(): () => void {
    let release!: () => void;
    this.#held = new Promise((resolve) => (release = resolve));
    return release;
  }

  /** Resolves when so many orders were taken. */
  reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      const watch = (): void => {
        if (this.taken.length >= count) resolve();
      };
      this.#watchers.push(watch);
      watch();
    });
  }
}

const ORDER_SCHEMA = {
  body: {
    type: 'object',
    required: ['quantity'],
    additionalProperties: false,
    properties: { quantity: { type: 'integer', minimum: 1, maximum: 20 } },
  },
};

function addDirectRoutes(fastify: FastifyInstance, till: Till): void {
  const order = { config: { access: 'buyer' as const }, bodyLimit: 4096, schema: ORDER_SCHEMA };
  fastify.post<{ Body: { quantity: number } }>('/things/:id/orders', order, async (request, reply) => {
    await till.take(request.body.quantity);
    return reply.code(202).send({ by: request.caller?.subject });
  });
  const open = { config: { access: 'public' as const } };
  fastify.post('/raw', { config: { ...open.config, rawBody: true } }, (request, reply) => reply.send(request.body));
  fastify.get('/page', open, (_request, reply) => reply.type('text/plain').send(Buffer.alloc(8_000, 'x')));
  fastify.get('/direct-bug', open, () => {
    throw new TypeError('SELECT * FROM secrets');
  });
}

export async function startTinyApp(
  options: Partial<Omit<HttpOptions, 'tokens' | 'reportBug'>> = { closeGraceMs: 60_000 },
): Promise<TinyApp> {
  const till = new Till();
  const bugs: unknown[] = [];
  const adapter = createHttpAdapter({
    tokens: new TokenVerifier({ secrets: [SECRET] }),
    reportBug: (error) => bugs.push(error),
    drainMs: 0,
    ...options,
  });
  addDirectRoutes(adapter.getInstance(), till);
  const app = await NestFactory.create(TinyModule, adapter, { logger: false });
  app.useGlobalPipes(new RequestSchemaPipe());
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  const { port } = adapter.getInstance().server.address() as AddressInfo;
  return { adapter, port, url: `http://127.0.0.1:${port}`, till, bugs, close: () => app.close() };
}
