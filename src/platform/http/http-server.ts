import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { type ConnectionLimit, isTooMany, TOO_MANY_CONNECTIONS } from './connection-limit.js';
import { Problem, sendRawProblem } from './problem.js';
import { RATE_LIMITED } from './problems.js';
import type { WorkInHand } from './work-in-hand.js';

/**
 * Node's HTTP server, made strict about where one request ends and the next begins.
 *
 * Promises:  a request that was read completely is answered, also when garbage behind it ends the connection.
 * Promises:  what two parsers could understand differently (two Hosts, an odd Transfer-Encoding) is refused and closes the connection.
 * Promises:  behind an answer that closes the connection nothing more is taken.
 * Promises:  headers or a body that trickle in are cut off with 408 within 5 s; a client that never reads costs a bounded amount of memory.
 * Does not:  give the answers it makes itself a body, except for 429; open a tunnel or change the protocol.
 */

const HEADERS_TIMEOUT_MS = 3_000;

/** From the first byte of a request to its last. Together with the interval below it stays under 5 s. */
const REQUEST_TIMEOUT_MS = 4_000;

/** How often Node looks for requests that are too slow; its own 30 s would make the limits above mean little. */
const TIMEOUT_CHECK_INTERVAL_MS = 500;

/** Longer than the 60 s after which common load balancers give up an idle connection, so that it is never us who closes one they are about to use. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** A client that takes nothing of its answer for a minute is gone. Longer than the silence of an event stream between two heartbeats. */
const STUCK_TIMEOUT_MS = 60_000;

const HEADER_BYTES_MAX = 16 * 1024;

/**
 * Requests of one connection that are in work at once. Node parses a whole packet before it looks whether the client reads, so one packet of
 * 1,600 small requests becomes 1,600 answers in memory: 40 such clients took 1.1 GiB. Browsers send one at a time, pipelining clients about ten.
 */
const IN_FLIGHT_PER_CONNECTION_MAX = 32;

/** How long we go on reading (and ignoring) what a refused client sends: closing with unread data would reset the connection and take our answer with it. */
const LINGER_MS = 1_000;

/**
 * How long a connection that asked for a tunnel may still wait for the answers before it. Node no longer counts it among its own,
 * so a stopping server cannot close it: this ends before a stop gives up waiting (CLOSE_GRACE_MS of http-adapter.ts).
 */
const TUNNEL_REFUSED_WITHIN_MS = 4_000;

const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** The place of a message in the order of its connection, on the socket: of the newest one. */
const place = Symbol('place');

/** Set once an answer that ends the connection is on its way: nothing behind it is taken. */
const closing = Symbol('closing');

/** Set once a request was taken whose answer will end the connection. Unlike `closing`, its body may still be on its way. */
const last = Symbol('last');

interface Answer extends ServerResponse {
  [place]?: number;
}

/** `_httpMessage` is the answer that is being sent, `parser.incoming` the newest request: Node's own names, the same since Node 0.12. */
interface ClientSocket extends Socket {
  [place]?: number;
  [closing]?: boolean;
  [last]?: boolean;
  _httpMessage?: Answer | null;
  parser?: { incoming: IncomingMessage | null } | null;
}

/** What a server takes on. */
export interface ServerLoad {
  readonly work: WorkInHand;
  readonly connections: ConnectionLimit;
}

/** An HTTP/1 server that hands well-framed requests to `take`, in the order of the rules above. */
export function createHttpServer(take: RequestListener, { work, connections }: ServerLoad): Server {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      insecureHTTPParser: false,
      requireHostHeader: false, // checked below: Node's own check lets the requests behind the bad one through
    },
    (request, response) => {
      if (admits(request, response) && work.admits(request, response)) take(request, response);
    },
  );
  server.timeout = STUCK_TIMEOUT_MS;
  server.maxHeadersCount = 0; // 16 KiB bound them; Node would silently drop those beyond 2,000
  connections.watch(server);
  server.on('connect', (_request, socket) => refuseTunnel(socket as ClientSocket));
  return server;
}

function admits(request: IncomingMessage, response: Answer): boolean {
  const socket = request.socket as ClientSocket;
  if (socket[closing] || socket[last]) return false;
  if (isTooMany(socket)) return refuse(response, socket, TOO_MANY_CONNECTIONS);
  if (!isWellFramed(request)) return refuse(response, socket);
  if (request.headers.upgrade !== undefined) endAfter(response, socket);

  const newest = (socket[place] ?? 0) + 1;
  socket[place] = response[place] = newest;
  const oldest = socket._httpMessage?.[place] ?? newest;
  return newest - oldest < IN_FLIGHT_PER_CONNECTION_MAX || refuse(response, socket, TOO_MANY_AT_ONCE);
}

/** Answers as if no upgrade had been asked for. Node drops what stands behind such a request in its packet, so what comes later may begin anywhere. */
function endAfter(response: ServerResponse, socket: ClientSocket): void {
  socket[last] = true;
  response.shouldKeepAlive = false;
}

const TOO_MANY_AT_ONCE = new Problem(
  RATE_LIMITED,
  `A connection may wait for at most ${IN_FLIGHT_PER_CONNECTION_MAX} answers at once.`,
  { retryAfterSeconds: 1 },
);

/** Answers 400 or with the problem, and lets nothing more through on this connection. */
function refuse(response: ServerResponse, socket: ClientSocket, problem?: Problem): false {
  socket[closing] = true;
  if (problem) {
    sendRawProblem(response, problem, { connection: 'close' });
  } else {
    response.writeHead(400, { connection: 'close', 'content-length': '0' });
    response.end();
  }
  return false;
}

/** Whether every reader of the request's head agrees on where it goes and where its body ends (RFC 9112 §3.2, §6.1). */
function isWellFramed({ headers, httpVersionMajor, httpVersionMinor, rawHeaders }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return false;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked')) return false;
  const { host } = headers;
  if (host === undefined) return httpVersionMinor === 0;
  return isHost(host) && !hasTwoHosts(rawHeaders);
}

let lastGoodHost = '';

function isHost(host: string): boolean {
  if (host === lastGoodHost) return true;
  if (!HOST.test(host)) return false;
  lastGoodHost = host;
  return true;
}

/** `headers.host` is the first of them, and a proxy in front of us may have gone by the last. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

/**
 * What to do about bytes that are no request, or a request that took too long: Fastify's `clientErrorHandler`.
 * Fastify's own answers 400 at once and closes, although a request before the garbage is being carried out: its
 * sender is told that the request failed while it succeeds.
 */
export function onClientError(error: NodeJS.ErrnoException, client: Socket): void {
  const socket = client as ClientSocket;
  if (error.code === 'ECONNRESET' || socket.destroyed) return void socket.destroy();
  // Browsers and Go's client open connections ahead of need: a 408 would meet the order that is just being sent on one.
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) return;
  if (socket[closing]) return;
  socket[closing] = true;
  closeAfterAnswers(socket, emptyAnswer(statusOf(error)));
}

function statusOf({ code }: NodeJS.ErrnoException): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

/** Node hands the connection over without its parser and without any listener: nobody reads it, and an error on it would end the process. */
function refuseTunnel(socket: ClientSocket): void {
  const leave = () => void socket.destroy();
  socket.on('error', leave).resume();
  setTimeout(leave, TUNNEL_REFUSED_WITHIN_MS).unref();
  if (socket[closing]) return;
  socket[closing] = true;
  closeAfterAnswers(socket, socket[last] ? '' : emptyAnswer(405, 'Allow: \r\n'));
}

/** Waits for the answers of all requests that were read completely, one after another, and ends the connection with one of our own. */
function closeAfterAnswers(socket: ClientSocket, answer: string): void {
  if (socket.destroyed) return;
  const current = socket._httpMessage;
  if (current && (current.req.complete || current.headersSent)) {
    current.once('close', () => closeAfterAnswers(socket, answer));
    return;
  }
  const wasAnswered = !current && socket.parser?.incoming?.complete === false; // before its body was there: 401, 413 …
  socket.end(wasAnswered ? '' : answer);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

const emptyAnswer = (status: number, headers = ''): string =>
  `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}Connection: close\r\nContent-Length: 0\r\n\r\n`;
