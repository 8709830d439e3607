import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { leaveWorkInHand } from '../platform/http/work-in-hand.js';

/** Some hundred events of an order: a client that has so many before it does not read. */
const UNSENT_BYTES_MAX = 64 * 1024;

/** How long a client may take to read the end. Shorter than a stop waits for it (CLOSE_GRACE_MS of http-adapter.ts). */
const END_WITHIN_MS = 5_000;

/** How soon a client comes back when a stream breaks off. */
const RETRY_MS = 2_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no', // a proxy that collected events would be the end of them
};

/**
 * One answer that goes on: server-sent events.
 *
 * Promises:  `onClose` is called once, however it ends, also when it was never opened.
 * Promises:  a client that does not read costs a bounded amount of memory, and is gone at the second heartbeat.
 * Does not:  send the same event twice in a row.
 */
export class EventStream {
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;
  #isClosed = false;
  #isBeatUnsent = false;
  #last = '';

  constructor(
    private readonly answer: ServerResponse,
    private readonly heartbeatMs: number,
    private readonly onClose: () => void,
  ) {
    answer.once('close', () => this.close());
  }

  open(headers: OutgoingHttpHeaders): void {
    if (this.#isClosed) return;
    this.#isOpen = true;
    leaveWorkInHand(this.answer);
    this.answer.writeHead(200, { ...headers, ...HEADERS });
    this.answer.write(`retry: ${RETRY_MS}\n\n`);
    this.#timer = setInterval(() => this.beat(), this.heartbeatMs);
  }

  send(name: string, data: object): void {
    const event = `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    if (!this.#isOpen || event === this.#last) return;
    if (this.answer.writableLength > UNSENT_BYTES_MAX) return this.breakOff();
    this.#last = event;
    this.answer.write(event);
  }

  /** What was sent arrives before the end does. One that is not open stays as it is. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearInterval(this.#timer);
    this.#timer = setTimeout(() => this.breakOff(), END_WITHIN_MS).unref();
    this.answer.end();
  }

  /** It is over, or will not be opened. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOpen = false;
    clearInterval(this.#timer);
    this.onClose();
  }

  /** Also how an answer learns that its connection is gone which waited behind another one: Node does not tell it. */
  private beat(): void {
    if (this.#isBeatUnsent) return this.breakOff();
    this.#isBeatUnsent = true;
    this.answer.write(': \n\n', () => (this.#isBeatUnsent = false));
  }

  private breakOff(): void {
    this.answer.req.socket.destroy();
    this.close();
  }
}
