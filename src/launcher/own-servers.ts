import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../platform/embedded/embedded-postgres.js';
import { startRedis } from '../platform/embedded/embedded-redis.js';
import type { EmbeddedServer } from '../platform/embedded/embedded-server.js';
import type { Supervision } from '../platform/embedded/keep-running.js';
import { rotateLog } from './role-process.js';

export const SERVERS = ['redis', 'queue-redis', 'postgres'] as const;
export type ServerName = (typeof SERVERS)[number];

interface ServerPlace {
  /** Used again at every restart: the url is in the environment of those who use it. */
  port: number | undefined;
  directory: string;
  onLog: (line: string) => void;
}

const STARTS: Record<ServerName, (place: ServerPlace) => Promise<EmbeddedServer>> = {
  postgres: (place) => startPostgres(place),
  redis: (place) => startRedis(place),
  // Jobs are written again from the outbox when they are lost, so they need not wait for the disk.
  'queue-redis': (place) => startRedis({ ...place, appendfsync: 'everysec' }),
};

/** How to keep one of our own servers running, below the data directory. */
export function serverSupervision(
  name: ServerName,
  directory: string,
  onDown: (why: string, againInMs: number) => void,
): Supervision<EmbeddedServer> {
  const logFile = join(directory, 'logs', `${name}.log`);
  rotateLog(logFile);
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  log.on('error', () => undefined); // a full disk must not take the server's supervisor down
  let port: number | undefined;
  return {
    start: async () => {
      const server = await STARTS[name]({
        port,
        directory: join(directory, name),
        onLog: (line) => log.write(`${line}\n`),
      });
      port = server.port;
      return server;
    },
    onDown,
  };
}
