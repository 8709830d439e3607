import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DEAD_LETTER_REASONS } from '../../src/ledger/judge-unstored.js';
import { DIFFERENCE_KINDS } from '../../src/reconciliation/compare-books.js';
import { laneKeys, saleKeys } from '../../src/stock/stock-keys.js';

const documents = ['README.md', 'CHANGELOG.md', ...readdirSync('docs').map((name) => join('docs', name))];
const read = (path: string) => readFileSync(path, 'utf8');
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);

describe('the documents', () => {
  it.each(documents)('%s links only to what exists', (path) => {
    const links = all(read(path), /\]\(([^)#\s]+)[^)]*\)/g).filter((link) => !/^\w+:/.test(link));
    expect(links.filter((link) => !existsSync(join(dirname(path), link)))).toEqual([]);
  });

  it.each(documents)('%s names only commands that package.json has', (path) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const commands = all(read(path), /npm (?:run )?(start|test|(?<=run )[\w:-]+)/g);
    expect(commands.filter((command) => !(command in scripts))).toEqual([]);
  });

  it('README.md has every folder of src on its map, and no other', () => {
    const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const onTheMap = all(read('README.md'), /^ {2}([\w-]+)\/ /gm);
    const made = ['generated', 'launcher'];
    expect(onTheMap.sort()).toEqual(
      folders
        .map(({ name }) => name)
        .filter((name) => !made.includes(name))
        .sort(),
    );
  });

  it('README.md shows the figures of the run of the benchmark that it links to', () => {
    const [run = ''] = all(read('README.md'), /\((bench\/results\/[\d-]+)\.json\)/g);
    const figures = (text: string) => all(text, /^\|(.*\d.*)\|$/gm).map((row) => row.replaceAll(' ', ''));
    const measured = figures(read(`${run}.md`));
    expect(measured).not.toHaveLength(0);
    expect(figures(read('README.md'))).toEqual(expect.arrayContaining(measured));
  });

  it('docs/OPERATIONS.md has a section on every difference that the audit may name, and on no other', () => {
    expect(all(read('docs/OPERATIONS.md'), /^### `([\w-]+)`$/gm)).toEqual([...DIFFERENCE_KINDS]);
  });

  it('docs/OPERATIONS.md explains every reason of a dead letter, and no other', () => {
    const table = read('docs/OPERATIONS.md').split('## Dead letters')[1]?.split('\n## ')[0] ?? '';
    expect(all(table, /^\| `([\w-]+)`/gm).sort()).toEqual([...DEAD_LETTER_REASONS].sort());
  });

  it('docs/OPERATIONS.md names only metrics that the code has', () => {
    const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => read(join('src', path)))
      .join('');
    const named = all(read('docs/OPERATIONS.md'), /`(stampede_\w+)`/g);
    expect(named.filter((metric) => !source.includes(`'${metric}'`))).toEqual([]);
  });

  it('docs/PROTOCOL.md spells every Redis key as the code does', () => {
    const spelled = all(read('docs/PROTOCOL.md'), /^\| `(\{lane:L\}\S*)`/gm);
    const keys = [laneKeys(7), saleKeys(7, 'S')].flatMap((names) => Object.values(names));
    expect(spelled.map((key) => key.replace('L', '7').replace('<saleId>', 'S')).sort()).toEqual(keys.sort());
  });
});
