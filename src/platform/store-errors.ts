import { isPassing, isPostgresAway } from './postgres/errors.js';
import { isRedisAway } from './redis/errors.js';

/** What the system says of a socket that could not be opened, or broke. */
const SOCKET_ERRORS = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
];

/**
 * Prisma: cannot reach, timed out reaching, timed out working, connection closed, no free connection, write conflict, too
 * many connections. https://www.prisma.io/docs/orm/reference/error-reference
 */
const PRISMA_ERRORS = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2034', 'P2037'];

/** Where drivers and Prisma put what they were told themselves. */
interface Wrapping {
  code?: unknown;
  originalCode?: unknown;
  cause?: unknown;
  errors?: unknown[];
  meta?: { driverAdapterError?: unknown };
}

/** True when a store cannot be reached or cannot work right now: nobody's fault who asked, and no bug of ours. */
export function isStoreAway(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (isPostgresAway(error) || isRedisAway(error)) return true;
  const { code, originalCode, cause, errors = [], meta } = error as Wrapping;
  if ([code, originalCode].some(saysAway)) return true;
  return [cause, meta?.driverAdapterError, ...errors].some(isStoreAway);
}

const saysAway = (code: unknown): boolean =>
  typeof code === 'string' && (SOCKET_ERRORS.includes(code) || PRISMA_ERRORS.includes(code) || isPassing(code));
