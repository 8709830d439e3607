import { isPostgresAway } from './postgres/errors.js';
import { isRedisAway } from './redis/errors.js';

/** What the system says of a socket that could not be opened, or broke. */
const SOCKET_ERRORS = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND'];

/**
 * True when a store cannot be reached or cannot work right now: nobody's fault who asked, and no bug of ours. Drivers and
 * Prisma wrap what they were told, so the causes are looked at too.
 */
export function isStoreAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isPostgresAway(error) || isRedisAway(error)) return true;
  const { code, cause, errors = [] } = error as Error & { code?: string; errors?: unknown[] };
  if (code !== undefined && SOCKET_ERRORS.includes(code)) return true;
  return isStoreAway(cause) || errors.some(isStoreAway);
}
