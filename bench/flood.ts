import { connect, type Socket } from 'node:net';
import { createSigner } from 'fast-jwt';

/** What one flood sends: orders of one unit, each by a buyer of its own with a token and a key of their own. */
export interface FloodOrder {
  port: number;
  path: string;
  jwtSecret: string;
  /** Connections, each with one request under way: a closed loop. */
  connections: number;
  requests: number;
  /** Ends earlier when this is over. */
  msMax: number;
  /** Makes the buyers of this flood others than those before. */
  name: string;
}

export interface FloodResult {
  /** Answers by HTTP status. */
  answers: Record<string, number>;
  ms: number;
}

/**
 * A load generator that costs as little as it can, for it shares the machine with what it measures: requests are made
 * beforehand, answers are only searched for their status and their length. Runs as a process of its own (fork).
 */
process.once('message', (order: FloodOrder) => {
  const requests = prepare(order);
  process.send?.('ready');
  process.once('message', () => {
    void flood(order, requests).then((result) => {
      process.send?.(result, () => process.exit(0));
    });
  });
});

function prepare({ path, jwtSecret, requests, name }: FloodOrder): Buffer[] {
  const sign = createSigner({ key: jwtSecret, expiresIn: 3_600_000 });
  return Array.from({ length: requests }, (_, index) => {
    const buyer = `${name}-${index}`;
    const head = [
      `POST ${path} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${sign({ sub: buyer })}`,
      `Idempotency-Key: ${buyer}`,
      'Content-Type: application/json',
      'Content-Length: 14',
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n{"quantity":1}`);
  });
}

async function flood({ port, connections, msMax }: FloodOrder, requests: Buffer[]): Promise<FloodResult> {
  const answers: Record<string, number> = {};
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const start = performance.now();
  const endsAt = start + msMax;
  let next = 0;
  const send = (socket: Socket, finished: () => void) => {
    const request = requests[next++];
    if (request && performance.now() < endsAt) socket.write(request);
    else finished();
  };
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          socket.on('error', reject);
          onAnswer(socket, (status) => {
            answers[status] = (answers[status] ?? 0) + 1;
            send(socket, resolve);
          });
          send(socket, resolve);
        }),
    ),
  );
  const ms = performance.now() - start;
  for (const socket of sockets) socket.destroy();
  return { answers, ms };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
      .once('error', reject)
      .setNoDelay(true);
  });
}

/** Calls back with the status of each complete answer. */
function onAnswer(socket: Socket, call: (status: string) => void): void {
  let pending = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    pending += text;
    const bodyAt = pending.indexOf('\r\n\r\n');
    if (bodyAt < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0);
    if (pending.length < bodyAt + 4 + length) return;
    const status = pending.slice(9, 12);
    pending = '';
    call(status);
  });
}
