import { DatabaseError } from 'pg';

/**
 * SQLSTATE classes that blame the data: 22 data exception, 23 integrity constraint violation, and 54 program limit
 * exceeded (an index row too large). https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const DATA_ERROR_CLASSES = ['22', '23', '54'];

/** True when the same statement would fail for the same rows on a healthy server; false for anything that passes. */
export function isDataError(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && DATA_ERROR_CLASSES.includes((error.code ?? '').slice(0, 2));
}
