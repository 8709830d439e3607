import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { endInOrder, type Exit, exitOf } from './child-end.js';
import { StartError } from './start-error.js';

/** A fast shutdown writes a checkpoint; on a slow disk with a gigabyte of WAL that takes tens of seconds, not minutes. */
const STOP_WITHIN_MS = 60_000;
/** After a crash the log is replayed first: about a minute per 10 GB of append-only file. */
const READY_WITHIN_MS = 300_000;
const LOOK_EVERY_MS = 50;
/** What a server says last explains its death. */
const LAST_LINES_MAX = 20;
/** PostgreSQL and Redis give the reason, then say once or twice that they end. */
const LINES_SHOWN_MAX = 3;
/** Time and process before a line of theirs. */
const STAMP = /^(\d{4}-\d\d-\d\d [\d:.]+ UTC \[\d+\]|\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ [#*.-]) */;

export interface ServerCommand {
  /** As a person calls it: "PostgreSQL". */
  name: string;
  command: string;
  args: string[];
  /** The whole environment of the server; undefined: ours. */
  env: NodeJS.ProcessEnv | undefined;
  /** Set only when we are root and the server refuses to be. */
  user?: { uid: number; gid: number } | undefined;
  stopSignal: NodeJS.Signals;
  onLog: (line: string) => void;
}

/** The server ended before it was ready. */
export class DiedWhileStarting extends Error {
  constructor(
    readonly server: string,
    readonly lastLines: readonly string[],
  ) {
    super(`${server} ended while starting`);
  }

  says(text: string): boolean {
    return this.lastLines.some((line) => line.includes(text));
  }
}

/**
 * One running server.
 *
 * Promises:  the terminal's Ctrl-C does not reach it (own session), so whoever started it decides the order of the end.
 * Does not:  die with us when we are killed; the next start on its directory stops it (see stop-orphan.ts).
 */
export class ServerProcess {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #lastLines: string[] = [];
  #gone = false;

  constructor(private readonly spec: ServerCommand) {
    this.#child = spawn(spec.command, spec.args, {
      cwd: '/',
      env: spec.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...spec.user,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#hear(line));
    }
    this.#child.once('error', (error) => this.#hear(error.message));
    this.#closed = new Promise((resolve) => {
      for (const event of ['close', 'error']) this.#child.once(event, () => resolve());
    });
    this.exited = exitOf(this.#child);
    void this.exited.then(() => (this.#gone = true));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Calls `look` until it does not throw. Throws DiedWhileStarting when the server ended meanwhile, and at once
   * when `look` throws a StartError.
   */
  async untilReady(look: () => Promise<void>): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      if (this.#gone) {
        await Promise.race([this.#closed, delay(1_000)]); // the last line may still be in the pipe
        throw new DiedWhileStarting(this.spec.name, this.#lastLines);
      }
      try {
        await look();
        return;
      } catch (error) {
        if (error instanceof StartError) throw error;
        if (Date.now() > deadline) {
          throw new StartError(`${this.spec.name} did not answer within ${READY_WITHIN_MS / 1000} s: ${String(error)}`);
        }
      }
      await Promise.race([this.exited, delay(LOOK_EVERY_MS)]);
    }
  }

  async stop(): Promise<void> {
    await endInOrder(this.#child, this.exited, { signal: this.spec.stopSignal, withinMs: STOP_WITHIN_MS });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  #hear(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > LAST_LINES_MAX) this.#lastLines.shift();
    this.spec.onLog(line);
  }
}

/** What a dead server said, as one line that tells what to do. */
export function explainDeath(death: DiedWhileStarting, directory: string): StartError {
  if (death.says('No space left on device')) return diskFull(death.server, directory);
  const words = death.lastLines.map((line) => line.replace(STAMP, '').trim()).filter((line) => line !== '');
  return new StartError(
    `${death.server} in ${directory} ended while starting: ${words.slice(-LINES_SHOWN_MAX).join(' / ') || 'it said nothing'}`,
  );
}

export function diskFull(server: string, directory: string): StartError {
  return new StartError(`The disk is full: free some space for ${server} in ${directory}, then start again`);
}
