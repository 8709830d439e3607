import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Kept {
  parameters: string;
  session: { id: string; url: string };
}

/** What of Stripe's API the adapter needs over more than one call: https://docs.stripe.com/api/idempotent_requests above all. */
export class StripeLikeServer {
  /** By idempotency key. */
  readonly #sessions = new Map<string, Kept>();
  /** Answers of GETs, by path without its query. */
  readonly answers = new Map<string, object>();
  /** Forms of POSTs and queries of GETs, in their order. */
  readonly seen: { call: string; form: URLSearchParams }[] = [];
  hangs = false;
  /** What POST /v1/refunds says, however often. */
  refund: object = {};

  readonly #server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      if (this.hangs) return;
      const [status, body] = this.answer(incoming, Buffer.concat(chunks).toString());
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });

  async start(): Promise<{ host: string; port: number; protocol: 'http' }> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port, protocol: 'http' };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  private answer({ method = '', url = '', headers }: IncomingMessage, body: string): [number, object] {
    const [path = '', query = ''] = url.split('?');
    const form = new URLSearchParams(method === 'GET' ? query : body);
    this.seen.push({ call: `${method} ${path}`, form });
    if (method === 'GET') return [200, this.answers.get(path) ?? { object: 'list', data: [], has_more: false }];
    if (path === '/v1/refunds') return [200, this.refund];
    return this.makeSession(String(headers['idempotency-key']), body);
  }

  private makeSession(key: string, parameters: string): [number, object] {
    const id = `cs_test_${this.#sessions.size + 1}`;
    const kept = this.#sessions.get(key) ?? {
      parameters,
      session: { id, url: `https://checkout.stripe.com/c/pay/${id}` },
    };
    this.#sessions.set(key, kept);
    if (kept.parameters === parameters) return [200, kept.session];
    const message = 'Keys for idempotent requests can only be used with the same parameters they were first used with.';
    return [400, { error: { type: 'idempotency_error', message } }];
  }
}
