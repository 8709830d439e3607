import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { writeWhole } from './kept-files.js';
import { StartError } from './start-error.js';

/**
 * Below every system's ephemeral range (Linux starts at 32768, macOS at 49152): an outgoing connection cannot take
 * the port while its server restarts, so a url that was handed out stays true.
 */
const PORT_MIN = 20_000;
const PORT_MAX = 32_767;
/** Ten thousand ports: this many unlucky draws in a row mean that something is wrong, not that we are unlucky. */
const DRAWS_MAX = 50;

/** Why no server could listen there right now (EADDRINUSE, EACCES, …), or undefined when one could. */
export function whyNotFree(port: number, host = '127.0.0.1'): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}

async function isFree(port: number): Promise<boolean> {
  return (await whyNotFree(port)) === undefined;
}

/**
 * The port for a server of ours: `fixed` if given, else the one in `file` if it is still free, else any free one.
 * The choice is written to `file`. Throws a StartError when `fixed` is taken.
 */
export async function choosePort(server: string, file: string, fixed?: number): Promise<number> {
  if (fixed !== undefined && !(await isFree(fixed))) throw portTaken(server, fixed);
  const port = fixed ?? (await rememberedPort(file)) ?? (await drawPort());
  writeWhole(file, `${port}\n`);
  return port;
}

function portTaken(server: string, port: number): StartError {
  return new StartError(
    `Port ${port} for ${server} is taken by another program: stop that one, or choose another port`,
  );
}

async function rememberedPort(file: string): Promise<number | undefined> {
  const port = existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN;
  return Number.isInteger(port) && port > 0 && port < 65_536 && (await isFree(port)) ? port : undefined;
}

/** A free port, drawn at random so that two that draw at once rarely meet. */
async function drawPort(): Promise<number> {
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const port = randomInt(PORT_MIN, PORT_MAX + 1);
    if (await isFree(port)) return port;
  }
  throw new StartError(`No free port found between ${PORT_MIN} and ${PORT_MAX} on 127.0.0.1: is the network stack up?`);
}
