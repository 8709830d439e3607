import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removePostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { removeRedis } from '../../src/platform/embedded/embedded-redis.js';

/** The servers that a test may start in its directory. */
const SERVERS = { postgres: removePostgres, redis: removeRedis, 'queue-redis': removeRedis };

/**
 * A new temporary directory of the calling test. With mode 0711 PostgreSQL can keep its data in it also when the
 * tests run as root; other modes are for tests about just that.
 */
export function privateDirectory(mode = 0o711): string {
  const directory = mkdtempSync(join(tmpdir(), 'stampede-test-'));
  chmodSync(directory, mode);
  return directory;
}

/** Removes it, with whatever PostgreSQL and Redis keep elsewhere for it; servers that were left there are stopped. */
export async function removeDirectory(directory: string): Promise<void> {
  for (const [name, remove] of Object.entries(SERVERS)) await remove(join(directory, name));
  rmSync(directory, { recursive: true, force: true });
}
