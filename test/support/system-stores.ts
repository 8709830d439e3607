import { join } from 'node:path';
import { removePostgres, startPostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { startRedis } from '../../src/platform/embedded/embedded-redis.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';

export const STORES = ['postgres', 'redis', 'queue-redis'] as const;
export type SystemStore = (typeof STORES)[number];

export const isStore = (part: string): part is SystemStore => (STORES as readonly string[]).includes(part);

/** The servers of one system, each in a folder of its own. What is killed is started again where it stood. */
export class SystemStores {
  readonly #running = new Map<SystemStore, EmbeddedServer>();

  constructor(private readonly directory: string) {}

  async start(store: SystemStore): Promise<void> {
    const port = this.#running.get(store)?.port;
    const place = { directory: join(this.directory, store), port };
    const starting =
      store === 'postgres' ? startPostgres(place) : startRedis({ ...place, appendfsync: fsyncOf(store) });
    this.#running.set(store, await starting);
  }

  /** Empty before its first start. */
  urlOf(store: SystemStore): string {
    return this.#running.get(store)?.url ?? '';
  }

  pidOf(store: SystemStore): number | undefined {
    return this.#running.get(store)?.pid;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(store: SystemStore): Promise<void> {
    await this.#running.get(store)?.kill();
  }

  /** In order: what it had in memory is on disk. */
  async stop(store: SystemStore): Promise<void> {
    await this.#running.get(store)?.stop();
  }

  async remove(): Promise<void> {
    await Promise.all(STORES.map((store) => this.kill(store)));
    await removePostgres(join(this.directory, 'postgres'));
  }
}

const fsyncOf = (store: SystemStore) => (store === 'redis' ? 'always' : 'everysec');
