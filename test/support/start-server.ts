/**
 * A process of its own that starts one server, prints `{ pid, port, url }` as one line, and waits to be killed.
 *
 * Arguments: postgres or redis, directory.
 */
import { startPostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { startRedis } from '../../src/platform/embedded/embedded-redis.js';

const [kind, directory = ''] = process.argv.slice(2);
const start = kind === 'postgres' ? startPostgres : startRedis;
start({ directory }).then(
  ({ pid, port, url }) => {
    process.stdout.write(`${JSON.stringify({ pid, port, url })}\n`);
    process.once('SIGTERM', () => process.exit());
  },
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
