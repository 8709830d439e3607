import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { migrate, pendingMigrations } from '../../src/platform/postgres/migrate.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';

const CLONE = join(__dirname, '../..');
const SHARED_URL = process.env.TEST_DATABASE_URL ?? '';

describe('migrating', () => {
  let directory: string;
  let url: string;
  let database: string;
  beforeEach(async () => {
    directory = privateDirectory();
    database = `migrating_${process.pid}_${Date.now()}`;
    url = Object.assign(new URL(SHARED_URL), { pathname: `/${database}` }).href;
    await query(SHARED_URL, `CREATE DATABASE ${database}`);
  });
  afterEach(async () => {
    await query(SHARED_URL, `DROP DATABASE ${database}`);
    await removeDirectory(directory);
  });

  it('applies what the database lacks, oldest first, and nothing the second time', async () => {
    write('2_fill', 'INSERT INTO t VALUES (1);');
    write('1_create', 'CREATE TABLE t (n int); CREATE INDEX ON t (n);');
    expect(await pendingMigrations(url, directory)).toEqual(['1_create', '2_fill']);
    expect(await migrate(url, directory)).toEqual(['1_create', '2_fill']);
    expect(await pendingMigrations(url, directory)).toEqual([]);
    expect(await migrate(url, directory)).toEqual([]);
    write('3_more', 'INSERT INTO t VALUES (2);');
    expect(await migrate(url, directory)).toEqual(['3_more']);
    expect(await query(url, 'SELECT n FROM t ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('applies each migration once when several processes migrate at the same time', async () => {
    write('1_create', 'CREATE TABLE t (n int);');
    const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(url, directory)));
    expect(applied.flat()).toEqual(['1_create']);
  });

  it('stops at a migration that fails, and refuses to go on until somebody mended it', async () => {
    write('1_wrong', 'CREATE TABLE t (n int); SELECT 1/0;');
    write('2_later', 'CREATE TABLE later (n int);');
    await expect(migrate(url, directory)).rejects.toThrow('Migration 1_wrong failed: error: division by zero');
    await expect(migrate(url, directory)).rejects.toThrow('Migration 1_wrong failed earlier');
    expect(await query(url, `SELECT to_regclass('later') AS later`)).toEqual([{ later: null }]);
  });

  it('refuses to go on when a migration was edited after it was applied', async () => {
    write('1_create', 'CREATE TABLE t (n int);');
    await migrate(url, directory);
    write('1_create', 'CREATE TABLE t (n bigint);');
    await expect(migrate(url, directory)).rejects.toThrow('Migration 1_create was edited');
  });

  it('leaves nothing to do for prisma migrate deploy, and finds nothing to do after it', async () => {
    await migrate(url, join(CLONE, 'prisma/migrations'));
    expect(await prisma('migrate', 'status')).toContain('Database schema is up to date');
    expect(await prisma('migrate', 'deploy')).toContain('No pending migrations to apply');

    await query(url, 'DROP SCHEMA public CASCADE');
    await query(url, 'CREATE SCHEMA public');
    await prisma('migrate', 'deploy');
    expect(await migrate(url, join(CLONE, 'prisma/migrations'))).toEqual([]);
  });

  function write(name: string, sql: string): void {
    mkdirSync(join(directory, name), { recursive: true });
    writeFileSync(join(directory, name, 'migration.sql'), sql);
  }

  async function prisma(...args: string[]): Promise<string> {
    const env = {
      ...process.env,
      DATABASE_URL: url,
      CHECKPOINT_DISABLE: '1',
      PRISMA_SCHEMA_ENGINE_BINARY: './scripts/schema-engine.mjs',
    };
    const { stdout } = await promisify(execFile)(join(CLONE, 'node_modules/.bin/prisma'), args, { cwd: CLONE, env });
    return stdout;
  }
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
