import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const DIRECTORY = 'prisma/migrations';

/** The advisory lock that Prisma Migrate takes: whoever migrates, by whichever tool, is alone. */
const PRISMA_MIGRATE_LOCK = 72_707_369;

/** Word for word what Prisma Migrate 7 creates. */
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id"                  VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum"            VARCHAR(64) NOT NULL,
  "finished_at"         TIMESTAMPTZ,
  "migration_name"      VARCHAR(255) NOT NULL,
  "logs"                TEXT,
  "rolled_back_at"      TIMESTAMPTZ,
  "started_at"          TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file, hexadecimal. */
  checksum: string;
}

/**
 * Applies what `directory` holds and the database lacks, oldest first, and answers the names.
 *
 * Promises:  records it exactly as `prisma migrate deploy` does, so both can be used in turn; callers that run at the
 *            same time wait for each other, and the second finds nothing to do.
 * Does not:  apply anything when an earlier migration failed or was edited afterwards: it throws and names it.
 * Does not:  undo half a migration that failed; its row without `finished_at` says so (`prisma migrate resolve`).
 */
export async function migrate(databaseUrl: string, directory = DIRECTORY): Promise<string[]> {
  return withClient(databaseUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_MIGRATE_LOCK]); // ends with the connection
    await client.query(MIGRATIONS_TABLE);
    const pending = await pendingOf(client, directory);
    for (const migration of pending) await apply(client, migration);
    return pending.map(({ name }) => name);
  });
}

/** The names of the migrations in `directory` that the database lacks. Changes nothing. */
export async function pendingMigrations(databaseUrl: string, directory = DIRECTORY): Promise<string[]> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ known: boolean }>(
      `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS known`,
    );
    const pending = rows[0]?.known ? await pendingOf(client, directory) : migrationsIn(directory);
    return pending.map(({ name }) => name);
  });
}

async function pendingOf(client: pg.Client, directory: string): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; checksum: string; finished: boolean }>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM "_prisma_migrations" WHERE rolled_back_at IS NULL`,
  );
  const failed = rows.find(({ finished }) => !finished);
  if (failed) {
    throw new Error(`Migration ${failed.name} failed earlier: mend the database, then run prisma migrate resolve`);
  }
  const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  return migrationsIn(directory).filter(({ name, checksum }) => {
    if (applied.has(name) && applied.get(name) !== checksum) {
      throw new Error(`Migration ${name} was edited after it was applied: restore its file and write a new migration`);
    }
    return !applied.has(name);
  });
}

/** The row is written before and finished after, each committed on its own: a crash between them is seen by the next run. */
async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  await client.query('INSERT INTO "_prisma_migrations" (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    checksum,
    name,
  ]);
  try {
    await client.query(sql);
  } catch (error) {
    await client.query('ROLLBACK');
    await client.query('UPDATE "_prisma_migrations" SET logs = $2 WHERE id = $1', [id, String(error)]);
    throw new Error(`Migration ${name} failed: ${String(error)}`, { cause: error });
  }
  await client.query('UPDATE "_prisma_migrations" SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [
    id,
  ]);
}

function migrationsIn(directory: string): Migration[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(directory, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

async function withClient<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined); // the query that waits is told as well; unheard, it would end the process
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
