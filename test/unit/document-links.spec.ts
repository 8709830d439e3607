import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { all, anchorsOf, documents, read, titlesOf } from '../support/documents.js';

/** In these a link to a spec is the title of a test. */
const NAMING_TESTS = ['docs/GUARANTEES.md', 'docs/ORDER-LIFECYCLE.md'];

interface Link {
  words: string;
  /** From the root of the clone. */
  path: string;
  anchor: string | undefined;
}

/** Links of a document to files of the clone; what stands in a block of code is no link. */
function linksOf(document: string): Link[] {
  const text = read(document).replace(/^```[^]*?^```/gm, '');
  return [...text.matchAll(/\[((?:[^\][]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g)].flatMap(([, words = '', target = '']) => {
    if (/^\w+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    return { words, path: path === '' ? document : join(dirname(document), path), anchor };
  });
}

const told = ({ words, path, anchor }: Link): string =>
  `[${words}](${path}${anchor === undefined ? '' : `#${anchor}`})`;

describe('the links of the documents', () => {
  it('are looked for in all of them', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/decisions/README.md']));
    expect(documents.flatMap(linksOf).length).toBeGreaterThan(200);
  });

  it.each(documents)('of %s lead to what exists, and to a heading where they name one', (document) => {
    const isBroken = ({ path, anchor }: Link) =>
      !existsSync(path) || (anchor !== undefined && !anchorsOf(read(path)).includes(anchor));
    expect(linksOf(document).filter(isBroken).map(told)).toEqual([]);
  });

  it.each(NAMING_TESTS)('of %s to a spec are the exact title of one of its tests', (document) => {
    const toSpecs = linksOf(document).filter(({ path }) => path.endsWith('.spec.ts'));
    expect(toSpecs).not.toHaveLength(0);
    expect(toSpecs.filter(({ words, path }) => !titlesOf(path).includes(words)).map(told)).toEqual([]);
  });

  it.each(all(read('docs/decisions/README.md'), /\((\d{4}-[\w-]+\.md)\)/g))(
    'of docs/decisions/README.md give %s the title that it has',
    (name) => {
      const [title = ''] = all(read(join('docs/decisions', name)), /^# \d+\. (.+)$/gm);
      expect(linksOf('docs/decisions/README.md').map(({ words }) => words)).toContain(title);
    },
  );
});
