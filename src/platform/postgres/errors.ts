import { DatabaseError } from 'pg';

/**
 * SQLSTATE classes that blame the data: 22 data exception, 23 integrity constraint violation, and 54 program limit
 * exceeded (an index row too large). https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const DATA_ERROR_CLASSES = ['22', '23', '54'];

/** True when the same statement would fail for the same rows on a healthy server; false for anything that passes. */
export function isDataError(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && DATA_ERROR_CLASSES.includes(classOf(error));
}

/**
 * SQLSTATE classes that blame the server or the moment: 08 connection exception, 25 and 40 transaction state and
 * rollback (deadlock), 53 insufficient resources, 55 not in the state needed (lock), 57 operator intervention (also a
 * statement time-out), 58 system error.
 */
const PASSING_CLASSES = ['08', '25', '40', '53', '55', '57', '58'];

/** How pg 8.23 and pg-pool say that there is no connection; they have no class for it. */
const NO_CONNECTION =
  /^(timeout exceeded when trying to connect|Query read timeout|Connection terminated|Client has encountered a connection error|Cannot use a pool)/;

/** True when Postgres cannot be reached, or cannot do anything right now. */
export function isPostgresAway(error: unknown): boolean {
  if (error instanceof DatabaseError) return isPassing(error.code ?? '');
  return error instanceof Error && NO_CONNECTION.test(error.message);
}

/** True for a SQLSTATE that blames the server or the moment. */
export const isPassing = (sqlState: string): boolean =>
  sqlState.length === 5 && PASSING_CLASSES.includes(sqlState.slice(0, 2));

const classOf = ({ code }: DatabaseError): string => (code ?? '').slice(0, 2);
