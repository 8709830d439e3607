import { readdirSync } from 'node:fs';
import { DEAD_LETTER_REASONS } from '../../src/ledger/judge-unstored.js';
import { DIFFERENCE_KINDS } from '../../src/reconciliation/compare-books.js';
import { all, read } from '../support/documents.js';

describe('the documents', () => {
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
});
