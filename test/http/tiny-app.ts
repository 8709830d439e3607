import { connect, type Socket } from 'node:net';
import { Body, Controller, Get, HttpException, Module, Param, Post, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { request as undici } from 'undici';
import { z } from 'zod';
import { Access, CurrentCaller } from '../../src/platform/http/access.js';
import { signToken, TokenVerifier, type Caller } from '../../src/platform/http/access-token.js';
import { createHttpAdapter, type HttpAdapter } from '../../src/platform/http/http-adapter.js';
import { Problem, problemType } from '../../src/platform/http/problem.js';
import { ProblemFilter } from '../../src/platform/http/problem-filter.js';
import { RequestSchemaPipe } from '../../src/platform/http/request-schema-pipe.js';

export const SECRET = 'a-secret-of-at-least-thirty-two-bytes';
export const BUYER = `Bearer ${signToken(SECRET, { sub: 'alice', ttlSeconds: 60 })}`;
export const ADMIN = `Bearer ${signToken(SECRET, { sub: 'root', role: 'admin', ttlSeconds: 60 })}`;

export const ODD = problemType('odd-thing', 409, 'The thing is odd');

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
    throw new Problem(ODD, 'Try another one.', { retryAfterSeconds: 7, errors: [{ pointer: '/a~1b', detail: 'is odd' }] });
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
  /** The quantities that the handler of the direct route was given, in order. */
  readonly taken: number[];
  readonly bugs: unknown[];
  /** Makes the direct route wait until the returned function is called. */
  hold(): () => void;
  /** Resolves when so many requests have reached the handler of the direct route. */
  reached(count: number): Promise<void>;
  close(): Promise<void>;
}

const ORDER_SCHEMA = {
  body: { type: 'object', required: ['quantity'], additionalProperties: false, properties: { quantity: { type: 'integer', minimum: 1, maximum: 20 } } },
};

export async function startTinyApp(closeGraceMs = 5_000): Promise<TinyApp> {
  const taken: number[] = [];
  const bugs: unknown[] = [];
  let held = Promise.resolve();
  let watchers: (() => void)[] = [];
  const adapter = createHttpAdapter({
    tokens: new TokenVerifier({ secrets: [SECRET] }),
    reportBug: (error) => void bugs.push(error),
    drainMs: 0,
    closeGraceMs,
  });
  const fastify = adapter.getInstance();
  fastify.post<{ Body: { quantity: number } }>('/things/:id/orders', { config: { access: 'buyer' }, bodyLimit: 4096, schema: ORDER_SCHEMA }, async (request, reply) => {
    taken.push(request.body.quantity);
    for (const watch of watchers) watch();
    await held;
    return reply.code(202).send({ quantity: request.body.quantity, by: request.caller?.subject });
  });
  fastify.post('/raw', { config: { access: 'public', rawBody: true } }, (request, reply) => reply.send(request.body));
  fastify.get('/direct-bug', { config: { access: 'public' } }, () => {
    throw new TypeError('SELECT * FROM secrets');
  });
  fastify.get('/page', { config: { access: 'public' } }, (_request, reply) => reply.type('text/plain').send('x'.repeat(8_000)));
  const app = await NestFactory.create(TinyModule, adapter, { logger: false });
  app.useGlobalPipes(new RequestSchemaPipe());
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  const { port } = fastify.server.address() as { port: number };

  return {
    adapter,
    port,
    url: `http://127.0.0.1:${port}`,
    taken,
    bugs,
    hold: () => {
      let release!: () => void;
      held = new Promise((resolve) => (release = resolve));
      return release;
    },
    reached: (count) =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (taken.length >= count) resolve();
        };
        watchers = [...watchers, watch];
        watch();
      }),
    close: () => app.close(),
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The body, if it is JSON. */
  readonly json: Record<string, unknown>;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** One request over undici, whose body is taken as it is. */
export async function ask(url: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Answer> {
  const answer = await undici(url, { method: method as 'GET', headers, body: body ?? null });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text, json: text && isJson(answer.headers) ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

const isJson = (headers: Answer['headers']): boolean => /json/.test(String(headers['content-type']));

/** One order at the direct route as it stands on the wire. */
export const orderBytes = (quantity: number, headers = ''): string => {
  const body = JSON.stringify({ quantity });
  return `POST /things/1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: ${BUYER}\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
};

/** A raw connection: what is said on it, and what has come back so far. */
export class Wire {
  readonly socket: Socket;
  heard = '';
  #watchers: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => {
      this.heard += chunk.toString('latin1');
      for (const watch of this.#watchers) watch();
    });
    this.socket.on('error', () => undefined); // a reset shows in what was heard
  }

  say(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** The status codes of the answers so far. */
  get statuses(): number[] {
    return [...this.heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));
  }

  answers(count: number): Promise<number[]> {
    return new Promise((resolve) => {
      const watch = (): void => {
        if (this.statuses.length >= count) resolve(this.statuses);
      };
      this.#watchers.push(watch);
      watch();
    });
  }

  /** The status codes of all answers, once the server has ended the connection. */
  ended(): Promise<number[]> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.destroy();
        resolve(this.statuses);
      };
      if (this.socket.readableEnded || this.socket.closed) done();
      else this.socket.once('end', done).once('close', done);
    });
  }
}
