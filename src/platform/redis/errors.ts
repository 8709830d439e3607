/**
 * Replies with which Redis refuses a script before its first write: it is loading, full, read-only, busy with another
 * script, cut off from its master, or cannot write its append-only file.
 */
const REFUSED_BEFORE_RUNNING =
  /^(OOM|MISCONF|EXECABORT|READONLY|LOADING|BUSY|MASTERDOWN|NOREPLICAS|NOAUTH|NOPERM|WRONGPASS) /;

/** How ioredis 6.0.0 says that it was disconnected when the command came; it has no class for it (Redis.js). */
const NEVER_WRITTEN = "Stream isn't writeable and enableOfflineQueue options is false";

/** An error that the server itself replied, as opposed to a reply that never came. */
export function isServerReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/**
 * True when a failed command surely had no effect: it was never written to the socket, or Redis refused it before it
 * ran. False means that nothing is known.
 */
export function surelyNotExecuted(error: unknown): boolean {
  if (isServerReply(error)) return REFUSED_BEFORE_RUNNING.test(error.message);
  return error instanceof Error && error.message === NEVER_WRITTEN;
}

/** How ioredis 6.0.0 says that no reply will come. */
const NO_REPLY = /^(Command timed out|Socket timeout|Connection is closed|Reached the max retries per request)/;

/** True when Redis cannot be reached, or cannot do anything right now. */
export function isRedisAway(error: unknown): boolean {
  return surelyNotExecuted(error) || (error instanceof Error && NO_REPLY.test(error.message));
}
