import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type Store = 'redis' | 'postgres';

/** Where each store keeps what it must not lose (embedded-redis.ts, embedded-postgres.ts). */
const DATA = { redis: 'redis/appendonlydir', postgres: 'postgres/data' } as const;

/** The files of the stores of a test system, for the faults that a disk can have. */
export class StoreFiles {
  #copies = 0;

  constructor(private readonly directory: string) {}

  /** Copies what a store has on disk now. A Redis may run meanwhile: its log only grows. @returns the name of the copy. */
  async copy(store: Store): Promise<string> {
    const copy = join(this.directory, 'copies', String((this.#copies += 1)));
    mkdirSync(join(this.directory, 'copies'), { recursive: true });
    await promisify(execFile)('cp', ['-a', this.dataOf(store), copy]); // keeps owner and mode: PostgreSQL insists
    return copy;
  }

  /** Puts a copy in the place of what the store has. Each copy serves once. */
  replace(store: Store, copy: string): void {
    this.remove(store);
    renameSync(copy, this.dataOf(store));
  }

  remove(store: Store): void {
    rmSync(this.dataOf(store), { recursive: true });
  }

  /** The bytes of Redis' log since its last rewrite. */
  get logBytes(): number {
    return statSync(this.logFile).size;
  }

  /** Cuts Redis' log off, as a disk does that has lost its tail. */
  cutLog(bytes: number): void {
    truncateSync(this.logFile, bytes);
  }

  private dataOf(store: Store): string {
    return join(this.directory, DATA[store]);
  }

  private get logFile(): string {
    const folder = this.dataOf('redis');
    const manifest = readFileSync(join(folder, 'appendonly.aof.manifest'), 'utf8');
    const name = /^file (\S+) seq \d+ type i$/m.exec(manifest)?.[1];
    if (name === undefined) throw new Error(`no log is named in ${readdirSync(folder).join(', ')}`);
    return join(folder, name);
  }
}
