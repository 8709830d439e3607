import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/**
 * Runs `work` while no other process on this machine runs its own under the same `name`; the others wait.
 *
 * The turn is a socket that is being listened to, so it ends with its process, whatever ends that.
 */
export async function alone(name, work) {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 24);
  // On Linux a name that is no file; elsewhere a file, which is replaced when nobody answers at it.
  const socket =
    process.platform === 'linux' ? `\0stampede-turn-${digest}` : join(tmpdir(), `stampede-turn-${digest}.sock`);
  let turn;
  while (!(turn = await listen(socket))) {
    const answered = await untilClosed(socket);
    if (!answered && process.platform !== 'linux') rmSync(socket, { force: true });
  }
  try {
    return await work();
  } finally {
    turn.close();
    for (const waiting of turn.waiting) waiting.destroy();
  }
}

function listen(socket) {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => {
      connection.on('error', () => connection.destroy());
      server.waiting.push(connection);
    });
    server.waiting = [];
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(socket, () => resolve(server));
  });
}

/** Resolves when whoever has the turn ends it: true; or false, when nobody has it. */
function untilClosed(socket) {
  return new Promise((resolve) => {
    let answered = false;
    const connection = createConnection(socket, () => (answered = true));
    connection.on('error', () => undefined);
    connection.once('close', () => resolve(answered));
    connection.resume();
  });
}
