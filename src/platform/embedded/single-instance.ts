import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { StartError } from './start-error.js';

/** The holder may end between our two questions; that it happens this often means something else. */
const ATTEMPTS_MAX = 5;
const ANSWER_WITHIN_MS = 2_000;

/** What the holder tells whoever asks. No secrets: every user of the machine may ask. */
export type Status = Record<string, string | number>;

export type Claim = { held: true; release(): void } | { held: false; holder: Status };

/**
 * Makes this process the only one on a directory, or answers the status of the one that is.
 *
 * Promises:  the claim ends with the process, also by kill -9: on Linux the name exists in the kernel only, elsewhere
 *            a socket file that nobody answers at is replaced.
 * Does not:  see a process in another network namespace (a container that shares the directory).
 *
 * `directory` is a real path.
 */
export async function claim(directory: string, status: () => Status): Promise<Claim> {
  const name = nameFor(directory);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const server = await listen(name, status);
    if (server) return { held: true, release: () => void server.close() };
    const holder = await ask(name);
    if (holder) return { held: false, holder };
    if (!name.startsWith('\0')) rmSync(name, { force: true });
  }
  throw new StartError(
    `Another program answers for ${directory} but does not say what it is: end it, then start again`,
  );
}

/** The status of the process on this directory, if there is one. */
export function holderOf(directory: string): Promise<Status | undefined> {
  return ask(nameFor(directory));
}

/** A leading zero byte makes the socket abstract: it is no file, so nothing can be left behind. */
function nameFor(directory: string): string {
  const name = `stampede-${createHash('sha256').update(directory).digest('hex').slice(0, 24)}`;
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`);
}

function listen(name: string, status: () => Status): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(JSON.stringify(status()));
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => resolve(server.unref()));
  });
}

async function ask(name: string): Promise<Status | undefined> {
  const socket = createConnection(name);
  const patience = setTimeout(() => socket.destroy(), ANSWER_WITHIN_MS);
  try {
    return JSON.parse(await text(socket)) as Status;
  } catch {
    return undefined;
  } finally {
    clearTimeout(patience);
    socket.destroy();
  }
}
