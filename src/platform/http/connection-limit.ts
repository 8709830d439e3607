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

/** One that is too many is marked (`isTooMany`), to be told so at its first request, and is gone soon. */
export function limitConnections(server: Server, connectionsMax: number): void {
  let connections = 0;
  server.maxConnections = connectionsMax + REFUSED_CONNECTIONS_MAX;
  server.on('connection', (socket: CountedSocket) => {
    connections += 1;
    socket.once('close', () => (connections -= 1));
    if (connections <= connectionsMax) return;
    socket[tooMany] = true;
    setTimeout(() => socket.destroy(), REFUSED_WITHIN_MS).unref();
  });
}

export const isTooMany = (socket: CountedSocket): boolean => socket[tooMany] === true;
