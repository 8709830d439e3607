/** What is measured is how fast it goes, not when it refuses: a backlog is built up on purpose, and drained. */
export const UNLIMITED = { BACKLOG_WAIT_SECONDS_MAX: '0', BACKLOG_ORDERS_MAX: '100000000' };
