import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** Somebody who reads an event stream, over a connection of their own. */
export class EventClient {
  /** What has come so far. */
  text = '';
  /** Whether the stream has ended as it should, and not been broken off. */
  hasEnded = false;
  isClosed = false;

  private constructor(private readonly answer: IncomingMessage) {
    answer.setEncoding('utf8');
    answer.on('data', (chunk: string) => (this.text += chunk));
    answer.on('end', () => (this.hasEnded = true)).on('close', () => (this.isClosed = true));
    answer.on('error', () => undefined); // it was broken off
  }

  /** Resolves when the answer has begun, whatever its status. */
  static async open(url: string, token: string, method = 'GET'): Promise<EventClient> {
    const asking = request(url, { method, agent: false, headers: { authorization: `Bearer ${token}` } }).end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    return new EventClient(answer);
  }

  get status(): number | undefined {
    return this.answer.statusCode;
  }

  get headers(): IncomingMessage['headers'] {
    return this.answer.headers;
  }

  /** The data of every event so far. */
  get orders(): Record<string, unknown>[] {
    return [...this.text.matchAll(/^event: order\ndata: (.*)\n\n/gm)].map(
      ([, data = '']) => JSON.parse(data) as Record<string, unknown>,
    );
  }

  get statuses(): unknown[] {
    return this.orders.map(({ status }) => status);
  }

  /** Leaves. */
  close(): void {
    this.answer.destroy();
  }
}
