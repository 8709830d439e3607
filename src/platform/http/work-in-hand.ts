import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem, sendRawProblem } from './problem.js';
import { OVERLOADED } from './problems.js';

export interface WorkLimits {
  /** Requests that were taken and are not answered. */
  requestsMax: number;
  /** Of their bodies, as they announce them. */
  bytesMax: number;
}

const RETRY_AFTER_SECONDS = 1;

const TOO_MUCH = new Problem(OVERLOADED, 'This process has as much in hand as it can take. Nothing was done.', {
  retryAfterSeconds: RETRY_AFTER_SECONDS,
});

/** A body of unknown length counts as the largest that any route reads. */
const UNANNOUNCED_BYTES = 64 * 1024;

/** How many bytes an answer that is still open stands for; undefined once it does not count any more. */
const bytesInHand = Symbol('bytes in hand');

type Counted = ServerResponse & { [bytesInHand]?: number; [leaving]?: () => void };

const leaving = Symbol('leaving');

/**
 * What one process has in hand, and what is too much.
 *
 * Promises:  what is too much is refused at once, before anything is done about it, and the connection goes on.
 * Promises:  health is answered all the same: a process that sheds is no process to be killed.
 */
export class WorkInHand {
  #requests = 0;
  #bytes = 0;
  #refused = 0;

  constructor(private readonly limits: WorkLimits) {}

  get requests(): number {
    return this.#requests;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Counts the request until its answer is out, or refuses it. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const bytes = bodyBytesOf(request);
    const { requestsMax, bytesMax } = this.limits;
    const isTooMuch = this.#requests >= requestsMax || this.#bytes + bytes > bytesMax;
    if (isTooMuch && request.url?.startsWith('/health/') !== true) {
      this.#refused += 1;
      sendRawProblem(response, TOO_MUCH);
      return false;
    }
    this.#requests += 1;
    this.#bytes += bytes;
    const counted: Counted = response;
    counted[bytesInHand] = bytes;
    counted[leaving] = this.#leave;
    counted.on('close', this.#leave);
    return true;
  }

  /** One function for all, called with the answer as `this`: a closure for each would be paid per request. */
  readonly #leave = ((work: WorkInHand) =>
    function (this: Counted): void {
      const bytes = this[bytesInHand];
      if (bytes === undefined) return;
      this[bytesInHand] = undefined;
      work.#requests -= 1;
      work.#bytes -= bytes;
    })(this);
}

/** An answer that goes on for long, such as an event stream, is no work any more: whoever opens it limits it otherwise. */
export function leaveWorkInHand(response: ServerResponse): void {
  const counted: Counted = response;
  counted[leaving]?.call(response);
}

function bodyBytesOf({ headers }: IncomingMessage): number {
  const announced = headers['content-length'];
  if (announced !== undefined) return Math.min(Number(announced), UNANNOUNCED_BYTES);
  return headers['transfer-encoding'] === undefined ? 0 : UNANNOUNCED_BYTES;
}
