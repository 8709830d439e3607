import { join } from 'node:path';
import { startRedis } from '../../src/platform/embedded/embedded-redis.js';
import type { EmbeddedServer } from '../../src/platform/embedded/embedded-server.js';
import { Corner } from './corner.js';
import { eventually } from './eventually.js';
import { privateDirectory, removeDirectory } from './private-directory.js';

const BACK_WITHIN_MS = 10_000;

/** A Redis that belongs to one spec, which may kill and empty it; PostgreSQL is the one of the whole run. */
export class OwnRedis {
  private constructor(
    private readonly root: string,
    private server: EmbeddedServer,
  ) {}

  static async start(): Promise<OwnRedis> {
    const root = privateDirectory();
    return new OwnRedis(root, await startRedis({ directory: join(root, 'redis') }));
  }

  get url(): string {
    return this.server.url;
  }

  openCorner(): Promise<Corner> {
    return Corner.open(undefined, this.server.url);
  }

  /** Kills it with -9 and starts it again on its data: another run id. Resolves when the corner is connected again. */
  async restart({ redis, blockingRedis }: Corner): Promise<void> {
    await this.server.kill();
    this.server = await startRedis({ directory: join(this.root, 'redis'), port: this.server.port });
    await eventually(() => Promise.all([redis.ping(), blockingRedis.ping()]), { withinMs: BACK_WITHIN_MS });
  }

  async stop(): Promise<void> {
    await this.server.kill();
    await removeDirectory(this.root);
  }
}
