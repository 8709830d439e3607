import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a client may send: enough for a UUID or a trace id, and nothing that needs escaping in a header, a log or a body. */
const ACCEPTABLE = /^[A-Za-z0-9._-]{1,64}$/;

/** Tells the ids of this process from those of every other one. */
const PROCESS = randomBytes(6).toString('base64url');

let count = 0;

/** The client's `X-Request-Id` if it is acceptable, else an id of our own. Not random on purpose: a counter costs nothing, and nobody gains by guessing it. */
export function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers['x-request-id'];
  if (typeof sent === 'string' && ACCEPTABLE.test(sent)) return sent;
  return newRequestId();
}

const newRequestId = (): string => `${PROCESS}-${(++count).toString(36)}`;
