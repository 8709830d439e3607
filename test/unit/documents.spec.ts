import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

  it('docs/PROTOCOL.md spells every Redis key as the code does', () => {
    const spelled = all(read('docs/PROTOCOL.md'), /^\| `(\{lane:L\}\S*)`/gm);
    const keys = [laneKeys(7), saleKeys(7, 'S')].flatMap((names) => Object.values(names));
    expect(spelled.map((key) => key.replace('L', '7').replace('<saleId>', 'S')).sort()).toEqual(keys.sort());
  });
});
