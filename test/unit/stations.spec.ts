import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { STATIONS } from '../../src/app.module.js';
import { readCommandLine } from '../../src/command-line.js';
import { ConfigurationError } from '../../src/config/settings.js';
import { PROGRAMS } from '../../src/launcher/role-process.js';

const run = promisify(execFile);
const ALL = Object.keys(STATIONS);

function mistakesOf(...words: string[]): string[] {
  try {
    readCommandLine(words);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.lines;
    throw error;
  }
  return [];
}

describe('the words behind node dist/main', () => {
  it.each(['api', 'worker', 'all'])('take every station for %s when none is named', (role) => {
    expect(readCommandLine([role])).toEqual({ role, stations: ALL });
  });

  it.each([
    [['--stations', 'payment,rewards']],
    [['--stations=payment,rewards']],
    [['--stations', 'payment, rewards']],
  ])('give a worker the stations that %j names, and no other', (options) => {
    expect(readCommandLine(['worker', ...options])).toEqual({ role: 'worker', stations: ['payment', 'rewards'] });
  });

  it.each([['payment,shipping'], ['payment,'], [','], [''], ['Payment']])(
    'refuse --stations %j, and name those that there are',
    (names) => {
      const line = expect.stringMatching(`^--stations: there is no .*; there are ${ALL.join(', ')}$`);
      expect(mistakesOf('worker', '--stations', names)).toEqual([line]);
    },
  );

  it('refuse a station that is named twice', () => {
    expect(mistakesOf('worker', '--stations', 'payment,payment')).toEqual([expect.stringMatching(/^--stations: /)]);
  });

  it.each([
    ['no role', []],
    ['an unknown role', ['shop']],
    ['stations of the API', ['api', '--stations', 'payment']],
    ['stations of all roles', ['all', '--stations', 'payment']],
    ['stations of the migrations', ['migrate', '--stations', 'payment']],
    ['an unknown flag', ['worker', '--station', 'payment']],
    ['a flag without its value', ['worker', '--stations']],
    ['a flag that comes twice', ['worker', '--stations', 'payment', '--stations', 'rewards']],
    ['a word too many', ['worker', '--stations', 'payment', 'rewards']],
    ['a word where a flag belongs', ['api', 'payment']],
  ])('refuse %s in one line that says how to ask', (_, words) => {
    expect(mistakesOf(...words)).toEqual([expect.stringMatching(`^Usage: .*${ALL.join(',')}`)]);
  });

  it('end the process with exit code 78 and nothing but that line when they are wrong', async () => {
    const started = run(process.execPath, ['dist/main.js', 'worker', '--stations', 'shipping']);
    const oneLine = expect.stringMatching(/^--stations: [^\n]+\n$/);
    await expect(started).rejects.toMatchObject({ code: 78, stdout: '', stderr: oneLine });
  });
});

describe('the stations', () => {
  const sorted = (lists: string[]) => lists.flatMap((list) => list.split(',')).sort();

  it('each run in one worker of npm start', () => {
    const lists = Object.values(PROGRAMS).flatMap((words: readonly string[]) => {
      const flag = words.indexOf('--stations');
      return flag < 0 ? [] : words.slice(flag + 1);
    });
    expect(sorted(lists)).toEqual([...ALL].sort());
  });

  it('each run in one worker of docker-compose.yml', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8');
    const lists = [...compose.matchAll(/--stations, '([^']+)'/g)].map(([, list = '']) => list);
    expect(sorted(lists)).toEqual([...ALL].sort());
  });
});
