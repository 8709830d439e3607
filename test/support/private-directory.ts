import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removePostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { removeRedis } from '../../src/platform/embedded/embedded-redis.js';
import { InUse } from '../../src/platform/embedded/stop-orphan.js';
import { eventually } from './eventually.js';

/** The servers that a test may start in its directory. */
const SERVERS = { postgres: removePostgres, redis: removeRedis, 'queue-redis': removeRedis };

/**
 * A new temporary directory of the calling test. Its name carries our process id: should we be killed, the next run
 * removes it (global-setup.mjs). With mode 0711 PostgreSQL can keep its data in it also when the
 * tests run as root; other modes are for tests about just that.
 */
export function privateDirectory(mode = 0o711): string {
  const directory = mkdtempSync(join(tmpdir(), `stampede-test-${process.pid}-`));
  chmodSync(directory, mode);
  return directory;
}

/** Removes it, with whatever PostgreSQL and Redis keep elsewhere for it; ends the servers that a failed test left running. */
export async function removeDirectory(directory: string): Promise<void> {
  for (const [name, remove] of Object.entries(SERVERS)) {
    await remove(join(directory, name)).catch(async (error: unknown) => {
      if (!(error instanceof InUse)) throw error;
      process.kill(error.pid, 'SIGKILL');
      await eventually(() => remove(join(directory, name)), { withinMs: 10_000 });
    });
  }
  rmSync(directory, { recursive: true, force: true });
}
