import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { PROGRAMS } from '../../src/launcher/role-process.js';

const run = promisify(execFile);

/** Operators write these names into their own command lines: one that changes is a break. */
const ALL = 'sales,persistence,outbox,payment,rewards,expiry,compensation,guard,reconciliation'.split(',');

type Reading = { role: string; stations: string[] } | 'migrate' | { lines: string[] };

/** The compiled one: jest cannot load all that the table of stations stands on. */
const READ = `
  import 'reflect-metadata';
  import { readCommandLine } from './dist/command-line.js';
  const read = (words) => {
    try { return readCommandLine(words); } catch ({ lines, message }) { return { lines: lines ?? [message] }; }
  };
  const cases = Object.entries(JSON.parse(process.argv[1]));
  console.log(JSON.stringify(Object.fromEntries(cases.map(([name, words]) => [name, read(words)]))));
`;

/** What the words behind `node dist/main` are taken for, by the name of each case. */
async function readAll(cases: Record<string, string[]>): Promise<Record<string, Reading>> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', READ, JSON.stringify(cases)]);
  return JSON.parse(stdout) as Record<string, Reading>;
}

const forEach = (cases: Record<string, string[]>, reading: unknown) =>
  Object.fromEntries(Object.keys(cases).map((name) => [name, reading]));

describe('the words behind node dist/main', () => {
  it('take all stations when none is named', async () => {
    expect(await readAll({ api: ['api'], worker: ['worker'], all: ['all'], migrate: ['migrate'] })).toEqual({
      api: { role: 'api', stations: ALL },
      worker: { role: 'worker', stations: ALL },
      all: { role: 'all', stations: ALL },
      migrate: 'migrate',
    });
  });

  it('give a worker the stations that are named, and no other', async () => {
    const cases = {
      'two words': ['worker', '--stations', 'payment,rewards'],
      'one word': ['worker', '--stations=payment,rewards'],
      'with a blank': ['worker', '--stations', 'payment, rewards'],
    };
    expect(await readAll(cases)).toEqual(forEach(cases, { role: 'worker', stations: ['payment', 'rewards'] }));
  });

  it('refuse a name that no station has, in one line that lists those there are', async () => {
    const cases = {
      unknown: ['worker', '--stations', 'payment,shipping'],
      'in capitals': ['worker', '--stations', 'Payment'],
      'empty at the end': ['worker', '--stations', 'payment,'],
      'empty twice': ['worker', '--stations', ','],
      nothing: ['worker', '--stations', ''],
      'nothing in one word': ['worker', '--stations='],
    };
    const line = expect.stringMatching(`^--stations: there is no '.*'; there are ${ALL.join(', ')}$`);
    expect(await readAll(cases)).toEqual(forEach(cases, { lines: [line] }));
  });

  it('refuse a station that is named twice', async () => {
    const { twice } = await readAll({ twice: ['worker', '--stations', 'payment,rewards,payment'] });
    expect(twice).toEqual({ lines: ['--stations: each one at most once'] });
  });

  it('refuse everything else in one line that says how to ask, and lists the stations', async () => {
    const cases = {
      'no role': [],
      'an unknown role': ['shop'],
      'stations of the API': ['api', '--stations', 'payment'],
      'stations of all roles': ['all', '--stations', 'payment'],
      'stations of the migrations': ['migrate', '--stations', 'payment'],
      'an unknown flag': ['worker', '--station', 'payment'],
      'a flag without its value': ['worker', '--stations'],
      'a flag that comes twice': ['worker', '--stations', 'payment', '--stations', 'rewards'],
      'a name with a value': ['worker', '--stations=payment=x'],
      'a word too many': ['worker', '--stations', 'payment', 'rewards'],
      'a word where a flag belongs': ['api', 'payment'],
    };
    const line = expect.stringMatching(`^Usage: .*${ALL.join(',')}`);
    expect(await readAll(cases)).toEqual(forEach(cases, { lines: [line] }));
  });

  it('end the process with exit code 78 and nothing but that line when they are wrong', async () => {
    const started = run(process.execPath, ['dist/main.js', 'worker', '--stations', 'shipping']);
    const oneLine = expect.stringMatching(/^--stations: [^\n]+\n$/);
    await expect(started).rejects.toMatchObject({ code: 78, stdout: '', stderr: oneLine });
  });
});

describe('every station', () => {
  const inOrder = (lists: string[]) => lists.flatMap((list) => list.split(',')).sort();

  it('runs in one of the workers of npm start', () => {
    const lists = Object.values(PROGRAMS).flatMap((words: readonly string[]) => {
      const flag = words.indexOf('--stations');
      return flag < 0 ? [] : words.slice(flag + 1);
    });
    expect(inOrder(lists)).toEqual([...ALL].sort());
  });

  it('runs in one of the workers of docker-compose.yml', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8');
    const lists = [...compose.matchAll(/--stations, '([^']+)'/g)].map(([, list = '']) => list);
    expect(inOrder(lists)).toEqual([...ALL].sort());
  });
});
