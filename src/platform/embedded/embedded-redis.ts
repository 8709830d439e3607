import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { EmbeddedServer } from './embedded-server.js';
import { keptSecret, writeWhole } from './kept-files.js';
import { findRedis } from './redis-binary.js';
import { startServer } from './start-server.js';
import { stopOrphan, type Traces } from './stop-orphan.js';

export interface RedisOptions {
  /** Holds everything of this server; made when missing, found again with its data later. */
  directory: string;
  /** Without it: the port of the last time if it is free, else any. */
  port?: number | undefined;
  /** `always` answers a write after it is on disk; `everysec` may lose the last second when the machine dies. */
  appendfsync?: 'always' | 'everysec' | undefined;
  onLog?: ((line: string) => void) | undefined;
}

/**
 * Starts a Redis of our own.
 *
 * Promises:  listens on 127.0.0.1 only and asks for a random password; never evicts; the same directory gives the same
 *            data, password and, if nobody took it meanwhile, port; an orphan on the directory is stopped first;
 *            it has loaded its data when this resolves.
 *
 * Throws a StartError when no redis-server can be had, or the port or the disk does not allow it.
 */
export async function startRedis({
  directory,
  port,
  appendfsync = 'always',
  onLog = ignore,
}: RedisOptions): Promise<EmbeddedServer> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const home = realpathSync(directory);
  const { command, env } = await findRedis();
  const traces = tracesIn(home);
  await stopOrphan(traces);
  const password = keptSecret(join(home, 'password'));

  return startServer({
    home,
    traces,
    port,
    onLog,
    urlAt: (at) => `redis://:${password}@127.0.0.1:${at}`,
    command: (at) => {
      const file = traces.argument;
      writeWhole(file, configuration({ home, port: at, password, appendfsync, pidFile: traces.pidFile }));
      return { command, args: [file], env };
    },
    look: ping,
    untilGone: () => Promise.resolve(), // one process: gone with itself
  });
}

/** Removes a directory of `startRedis` with all its data; an orphan on it is stopped first. Throws a StartError while it is in use. */
export async function removeRedis(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  await stopOrphan(tracesIn(realpathSync(directory)));
  rmSync(directory, { recursive: true, force: true });
}

function tracesIn(home: string): Traces {
  return {
    name: 'Redis',
    pidFile: join(home, 'redis.pid'),
    argument: join(home, 'redis.conf'),
    workingDirectory: home,
    parentFile: join(home, 'parent'),
    stopSignal: 'SIGTERM',
  };
}

interface Configuration {
  home: string;
  port: number;
  password: string;
  appendfsync: string;
  pidFile: string;
}

function configuration({ home, port, password, appendfsync, pidFile }: Configuration): string {
  return [
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(home)}`,
    `pidfile ${JSON.stringify(pidFile)}`,
    'appendonly yes',
    `appendfsync ${appendfsync}`,
    'aof-use-rdb-preamble yes',
    'save ""',
    'maxmemory-policy noeviction',
    'daemonize no',
    'set-proc-title no', // the command line keeps naming this file: that is how an orphan is known for certain
    '',
  ].join('\n');
}

/** One look whether the server answers; a server that still loads its data refuses. */
async function ping(url: string): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', ignore);
  try {
    await client.connect();
    await client.ping();
  } finally {
    if (client.status !== 'end') client.disconnect(); // else it would wait two seconds for the end of what has ended
  }
}

function ignore(): void {}
