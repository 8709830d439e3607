import { Redis, type RedisOptions } from 'ioredis';

/**
 * Longest wait for a reply. Beyond it the command may still run later, so whoever gets this error knows nothing of
 * its effect. Above the longest pause of a healthy Redis with `appendfsync always` (a slow fsync, 200 ms seen).
 */
export const COMMAND_TIMEOUT_MS = 800;

/** The longest that a waiting reader asks Redis to wait for something to come. */
export const BLOCK_MS_MAX = 1_000;

/** How soon a lost connection is tried again; the first tries decide how fast a sale opens after a restart. */
const reconnectDelayMs = (attempt: number) => Math.min(20 * attempt, 250);

/**
 * ioredis would send a command again when its reply is lost, and so run a script twice, and keep commands while it is
 * disconnected. Both are off: a command is sent once or not at all, and fails within {@link COMMAND_TIMEOUT_MS}. Replies
 * are told apart by their order alone, so a connection that falls silent (`socketTimeout`) is closed and made anew.
 */
const SENT_AT_MOST_ONCE: RedisOptions = {
  protocol: 2, // the shapes of replies are those of the Redis documentation
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false, // nobody would catch its error; who listens asks for it again
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  connectTimeout: 2_000,
  retryStrategy: reconnectDelayMs,
};

export interface ConnectOptions {
  /** Shown by CLIENT LIST, so that an operator knows whose connection it is. */
  name: string;
  /** Told once for each failed attempt to connect; without a listener ioredis prints to the console. */
  onError: (error: Error) => void;
}

const LIMITED: RedisOptions = { commandTimeout: COMMAND_TIMEOUT_MS, socketTimeout: COMMAND_TIMEOUT_MS };

/** A connection for commands that are answered at once. Errors of commands go to their callers. */
export function connectRedis(url: string, { name, onError }: ConnectOptions): Redis {
  return new Redis(url, { ...SENT_AT_MOST_ONCE, ...LIMITED, connectionName: name }).on('error', onError);
}

/** A connection for one waiting reader; others would queue behind its wait. */
export function connectBlockingRedis(url: string, { name, onError }: ConnectOptions): Redis {
  const socketTimeout = BLOCK_MS_MAX + COMMAND_TIMEOUT_MS;
  return new Redis(url, { ...SENT_AT_MOST_ONCE, socketTimeout, connectionName: name }).on('error', onError);
}
