import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../src/platform/postgres/migrate.js';

/**
 * A migrated database of a spec's own, on the server of the whole run: for passes that act on all there is (expiry, the relay,
 * webhooks), which in the common one would act on what other specs have.
 */
export async function ownDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const server = process.env.TEST_DATABASE_URL ?? '';
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return { url: url.href, drop: () => onServer(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
