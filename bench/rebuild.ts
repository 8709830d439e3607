import { join } from 'node:path';
import { startPostgres, removePostgres } from '../src/platform/embedded/embedded-postgres.js';
import { startRedis } from '../src/platform/embedded/embedded-redis.js';
import { migrate } from '../src/platform/postgres/migrate.js';
import { Corner } from '../test/support/corner.js';
import { privateDirectory, removeDirectory } from '../test/support/private-directory.js';
import { cpuUs } from './cpu.js';

/**
 * How long a lane is closed that has to be made anew from Postgres: once after FLUSHALL, with nothing left in Redis, and once
 * on an operator's wish, where every buyer in Redis is compared with Postgres first.
 */
const ORDERS = Number(process.env.REBUILD_ORDERS ?? 1_000_000);
const MIB = 1024 * 1024;

const directory = privateDirectory();
const [postgres, redis] = await Promise.all([
  startPostgres({ directory: join(directory, 'postgres') }),
  startRedis({ directory: join(directory, 'redis') }),
]);
try {
  await migrate(postgres.url);
  const corner = await Corner.open(postgres.url, redis.url);
  const saleId = await fill(corner);
  await corner.redis.flushall();
  console.log(`| ${ORDERS} orders | seconds | peak RSS MiB | CPU s: this process | Redis | Postgres |`);
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  await measure(corner, 'after FLUSHALL');
  await corner.pool.query(`UPDATE lanes SET rebuild_asked = 'the benchmark asks' WHERE lane = $1`, [corner.lane]);
  await measure(corner, 'asked for');
  const { consistent, quiescent, redis: counters } = await corner.audit(saleId);
  console.log(`audit: ${JSON.stringify({ consistent, quiescent, counters })}`);
  if (!consistent || !quiescent) process.exitCode = 1;
  await corner.close();
} finally {
  await Promise.all([redis.kill(), postgres.kill()]);
  await removePostgres(join(directory, 'postgres'));
  await removeDirectory(directory);
}

/** As many orders as buyers, stored and counted as persistence does it, but by one statement. */
async function fill(corner: Corner): Promise<string> {
  const saleId = await corner.sale({ stock: ORDERS });
  const { pool, lane } = corner;
  const client = await pool.connect();
  await client.query('SET statement_timeout = 0');
  const patient = { query_timeout: 600_000 };
  const insert = {
    ...patient,
    text: `INSERT INTO orders (sale_id, order_id, version, amount_minor, decided_at, expires_at, quantity, lane, currency, buyer_id,
                        idempotency_key)
     SELECT $1, gen_random_uuid(), 1000000000000 + n, 1999, now(), now() + interval '1 h', 1, $2, 'USD', 'buyer-' || gen_random_uuid(),
            gen_random_uuid()
     FROM generate_series(1, $3::integer) AS n`,
    values: [saleId, lane, ORDERS],
  };
  await client.query(insert);
  await client.query('UPDATE sale_lanes SET held = total WHERE sale_id = $1', [saleId]);
  await client.query('UPDATE lanes SET recorded = $2, max_version = 1000000000000 + $2 WHERE lane = $1', [
    lane,
    ORDERS,
  ]);
  const vacuum = { ...patient, text: 'VACUUM ANALYZE orders' };
  await client.query(vacuum);
  client.release(true);
  return saleId;
}

async function measure(corner: Corner, what: string): Promise<void> {
  const pids = [process.pid, redis.pid, postgres.pid];
  const cpuOf = (pid: number) => cpuUs(pid, { children: pid === postgres.pid });
  const before = pids.map(cpuOf);
  let peak = process.memoryUsage().rss;
  const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50);
  const startedAt = performance.now();
  await corner.guard().runOnce();
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(watching);
  const cpu = pids.map((pid, index) => ((cpuOf(pid) - (before[index] ?? 0)) / 1e6).toFixed(1));
  const { state, epoch } = await corner.gate.read(corner.lane);
  if (state !== 'open') throw new Error(`the lane is ${state}`);
  console.log(`| ${what}, epoch ${epoch} | ${seconds.toFixed(1)} | ${(peak / MIB).toFixed(0)} | ${cpu.join(' | ')} |`);
}
