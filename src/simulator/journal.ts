import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'journal.jsonl';
const CHUNK_BYTES = 1_048_576;
const NEWLINE = 0x0a;

/**
 * All that has happened, one JSON line each, in a file.
 *
 * Promises:  what `written` has waited for survives kill -9. A last line that was torn is dropped when it is opened again.
 * Does not:  survive a power cut: nothing is fsynced, for nobody's money is at stake.
 * Does not:  go on when the disk refuses a line: the process ends, so that nothing is answered that would be forgotten.
 * Does not:  get shorter: the payments that it tells of are kept as well. Does not keep two processes from one directory.
 */
export class Journal<Fact extends object> {
  readonly #file: number;
  #lines: string[] = [];
  #written = Promise.resolve();

  /** @param retell is told every fact of the past, in order. */
  constructor(directory: string, retell: (fact: Fact) => void) {
    mkdirSync(directory, { recursive: true });
    this.#file = openSync(join(directory, FILE), 'a+', 0o600);
    const wholeBytes = readLines(this.#file, (line) => retell(JSON.parse(line) as Fact));
    ftruncateSync(this.#file, wholeBytes);
  }

  /** Written with all others of this turn of the event loop, in one go. */
  append(fact: Fact): void {
    if (this.#lines.push(JSON.stringify(fact)) > 1) return;
    this.#written = new Promise((resolve) => {
      setImmediate(() => {
        this.flush();
        resolve();
      });
    });
  }

  /** Resolves when everything that was appended so far is in the file. */
  written(): Promise<void> {
    return this.#written;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  private flush(): void {
    if (this.#lines.length === 0) return;
    let rest = Buffer.from(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
    while (rest.length > 0) rest = rest.subarray(writeSync(this.#file, rest));
  }
}

/** @returns the bytes up to the end of the last whole line. */
function readLines(file: number, take: (line: string) => void): number {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  let wholeBytes = 0;
  for (;;) {
    const length = readSync(file, chunk, 0, CHUNK_BYTES, wholeBytes + rest.length);
    if (length === 0) return wholeBytes;
    const read = Buffer.concat([rest, chunk.subarray(0, length)]);
    const end = read.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const lines = read.toString('utf8', 0, end - 1);
      lines.split('\n').forEach(take);
    }
    rest = read.subarray(end);
    wholeBytes += end;
  }
}
