import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Problem } from './problem.js';
import { OVERLOADED } from './problems.js';

/** Connections that are told that there are too many; beyond, they are dropped without a word. */
const REFUSED_CONNECTIONS_MAX = 1_000;

/** How long one of them has to send the request that it is told with. */
const REFUSED_WITHIN_MS = 1_000;

export const TOO_MANY_CONNECTIONS = new Problem(OVERLOADED, 'This process has as many connections as it can take.', {
  retryAfterSeconds: 1,
});

/** Set on a connection beyond the limit. */
const tooMany = Symbol('tooMany');

interface CountedSocket extends Socket {
  [tooMany]?: boolean;
}

/** Counts the connections of a server. One that is too many is marked, to be told so at its first request, and is gone soon. */
export class ConnectionLimit {
  #open = 0;
  #refused = 0;

  constructor(private readonly connectionsMax: number) {}

  get open(): number {
    return this.#open;
  }

  get refused(): number {
    return this.#refused;
  }

  watch(server: Server): void {
    server.maxConnections = this.connectionsMax + REFUSED_CONNECTIONS_MAX;
    server.on('connection', (socket: CountedSocket) => {
      this.#open += 1;
      socket.once('close', () => (this.#open -= 1));
      if (this.#open <= this.connectionsMax) return;
      this.#refused += 1;
      socket[tooMany] = true;
      setTimeout(() => socket.destroy(), REFUSED_WITHIN_MS).unref();
    });
  }
}

export const isTooMany = (socket: CountedSocket): boolean => socket[tooMany] === true;
