import { connect, type Socket } from 'node:net';
import { request as undici } from 'undici';
import { BUYER } from './tiny-app.js';

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
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text,
    json: text && isJson(answer.headers) ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
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
