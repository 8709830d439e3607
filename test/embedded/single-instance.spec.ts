import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { claim, holderOf } from '../../src/platform/embedded/single-instance.js';
import { eventually } from '../support/eventually.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';

describe('claiming a directory', () => {
  let directory: string;
  beforeEach(() => (directory = privateDirectory()));
  afterEach(() => removeDirectory(directory));

  it('tells the second who the first is, as it is at that moment', async () => {
    const status = { state: 'starting', pid: 1 };
    const first = await claim(directory, () => status);
    expect(first.held).toBe(true);
    status.state = 'running';
    expect(await claim(directory, () => ({}))).toEqual({ held: false, holder: { state: 'running', pid: 1 } });
    if (first.held) first.release();
  });

  it('gives the claim to the next one after it was released', async () => {
    const first = await claim(directory, () => ({ pid: 1 }));
    if (first.held) first.release();
    expect(await holderOf(directory)).toBeUndefined();
    const second = await claim(directory, () => ({ pid: 2 }));
    expect(second.held).toBe(true);
    if (second.held) second.release();
  });

  it('gives the claim to the next one after its holder was killed', async () => {
    const program = join(__dirname, '../support/claim-directory.ts');
    const holder = spawn(process.execPath, ['--import', 'tsx', program, directory], { stdio: 'inherit' });
    await eventually(async () => (await holderOf(directory))?.pid === holder.pid, { withinMs: 10_000 });
    holder.kill('SIGKILL');
    await once(holder, 'exit');

    const next = await claim(directory, () => ({}));
    expect(next.held).toBe(true);
    if (next.held) next.release();
  });

  it('lets another directory be claimed at the same time', async () => {
    const other = privateDirectory();
    const claims = [await claim(directory, () => ({})), await claim(other, () => ({}))];
    expect(claims.map(({ held }) => held)).toEqual([true, true]);
    for (const each of claims) if (each.held) each.release();
    await removeDirectory(other);
  });
});
