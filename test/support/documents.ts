import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const isMarkdown = (path: string): boolean => path.endsWith('.md');

/** Every document of the root and below `docs`. */
export const documents = [
  ...readdirSync('.').filter(isMarkdown),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter(isMarkdown)
    .map((path) => join('docs', path)),
];

export const read = (path: string): string => readFileSync(path, 'utf8');

/** What the first group of a pattern finds. */
export const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found);

/** All files of a folder whose name ends like that, as one text. */
export const textOf = (folder: string, ending: string): string =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => read(join(folder, path)))
    .join('\n');

/** The cells of the rows of a table whose first cell matches; `|` stands in no cell. */
export const rowsOf = (text: string, first: RegExp): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .filter(([cell = '']) => first.test(cell));

/** What comes between a heading and the next one of its level. */
export const sectionOf = (text: string, heading: string): string => {
  const [level = ''] = /^#+/.exec(heading) ?? [];
  return text.split(`\n${heading}\n`)[1]?.split(new RegExp(`\n${level} `))[0] ?? '';
};

/** Anchors of a document, as GitHub makes them of its headings. */
export function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return all(text.replace(/^```[^]*?^```/gm, ''), /^#{1,6} (.+)$/gm).map((heading) => {
    const words = heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = words.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    const earlier = seen.get(anchor) ?? 0;
    seen.set(anchor, earlier + 1);
    return earlier === 0 ? anchor : `${anchor}-${earlier}`;
  });
}

/** Titles of the tests of a spec, and of what they are grouped under. */
export const titlesOf = (spec: string): string[] =>
  [...read(spec).matchAll(/(?:\bit|\bdescribe|\))\(\s*(['"`])((?:(?!\1).)*)\1,/g)].map(([, , title = '']) => title);
