import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';
import { runScript } from '../support/run-script.js';

describe('npm run reset', () => {
  it('removes the data directory, and what lies elsewhere for it', async () => {
    const directory = privateDirectory(0o700);
    await (await startPostgres({ directory: join(directory, 'postgres'), fsync: false })).stop();
    const link = join(directory, 'postgres/elsewhere'); // as root: its data cannot lie below a private directory
    const elsewhere = existsSync(link) ? [readlinkSync(link)] : [];

    expect(await runScript('reset.mjs', directory, '--yes')).toContain(`Removed ${directory}`);
    expect([directory, ...elsewhere].filter(existsSync)).toEqual([]);
  });

  it('says that there is nothing to remove when there is no data directory', async () => {
    const directory = privateDirectory();
    expect(await runScript('reset.mjs', join(directory, 'none'))).toContain('There is nothing to remove');
    await removeDirectory(directory);
  });

  it('removes nothing without --yes when nobody is there to ask', async () => {
    const directory = privateDirectory();
    await expect(runScript('reset.mjs', directory)).rejects.toMatchObject({ code: 78 });
    expect(existsSync(directory)).toBe(true);
    await removeDirectory(directory);
  });
});

describe('npm run token', () => {
  it.each([
    [['--sub', 'a b']],
    [['--sub', 'alice', '--role', 'root']],
    [['--sub', 'alice', '--ttl', 'soon']],
    [['--unknown']],
    [[]],
  ])('refuses %j in one line with exit code 78', async (args) => {
    const oneLine = expect.stringMatching(/^[^\n]+\n$/) as string;
    await expect(runScript('token.mjs', 'unused', ...args)).rejects.toMatchObject({ code: 78, stderr: oneLine });
  });
});

describe('where tokens are signed elsewhere', () => {
  beforeEach(() => (process.env.JWT_PUBLIC_KEY = 'any'));
  afterEach(() => delete process.env.JWT_PUBLIC_KEY);

  it.each([
    ['npm run token', 'token.mjs', ['--sub', 'alice']],
    ['npm run load', 'load.mjs', ['flash-sale']],
  ])('%s says so in one line with exit code 78', async (_, script, args) => {
    const stderr = expect.stringMatching(/^JWT_PUBLIC_KEY is set: [^\n]+\n$/) as string;
    await expect(runScript(script, 'unused', ...args)).rejects.toMatchObject({ code: 78, stderr });
  });
});
