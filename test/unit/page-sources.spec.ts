import { readFileSync } from 'node:fs';
import { DEAD_LETTER_REASONS } from '../../src/ledger/judge-unstored.js';
import { readPageFiles } from '../../src/pages/page-files.js';
import { DIFFERENCE_KINDS } from '../../src/reconciliation/compare-books.js';
import { BROWSER, matches, readSource, sourcesOf, withImports } from '../support/page-sources.js';

const pages = sourcesOf('html');
const scripts = sourcesOf('mjs');
const served = readPageFiles().map(({ path }) => path);

interface Meanings {
  DIFFERENCES: Record<string, string>;
  REASONS: Record<string, string>;
}
/** By a name that only run time knows: the type checker of the server has no business with scripts of browsers. */
const loadMeanings = () => import(`${BROWSER}/meanings.mjs`) as Promise<Meanings>;

describe('a page', () => {
  it.each(pages)('%s has no script, style or listener of its own, which its policy would refuse', (page) => {
    const html = readSource(page);
    expect(matches(html, /(<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:)/gi)).toEqual([]);
    expect(matches(html, /<script[^>]*>([^<]+)<\/script>/g)).toEqual([]);
  });

  it.each(pages)('%s refers only to files that are served, and to none elsewhere', (page) => {
    const files = matches(readSource(page), /<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"/g);
    expect(files).not.toHaveLength(0);
    expect(files.filter((file) => !served.includes(file))).toEqual([]);
  });

  it.each([
    ['shop.html', 'shop.mjs'],
    ['ops.html', 'ops.mjs'],
  ])('%s has every element that its scripts look for, and a label for every field', (page, entry) => {
    const html = readSource(page);
    const ids = matches(html, /\bid="([^"]+)"/g);
    const wanted = [...withImports(entry)].flatMap((script) => matches(readSource(script), /byId\('([^']+)'\)/g));
    expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(matches(html, /(<input)/g)).toHaveLength(
      matches(html, /(<label[^>]*>\s*<span>[^<]+<\/span>\s*<input)/g).length,
    );
  });
});

describe('a script of the pages', () => {
  it.each(scripts)('%s imports only what is served', (script) => {
    const imported = matches(readSource(script), /^import .* from '([^']+)';$/gm);
    expect(imported.filter((name) => !served.includes(name.replace('./', '/assets/')))).toEqual([]);
  });

  it.each(scripts)('%s inserts text as text, never as HTML, and runs none', (script) => {
    const dangerous =
      /\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|eval|Function)\b(?=\(|\s*=| )/g;
    const code = readSource(script).replace(/\/\*.*?\*\//gs, '');
    expect(matches(code, dangerous)).toEqual([]);
  });

  it('is reached from one of the two pages', () => {
    const reached = new Set([...withImports('shop.mjs'), ...withImports('ops.mjs')]);
    expect(scripts.filter((script) => !reached.has(script))).toEqual([]);
  });
});

describe('what operations say of', () => {
  const manual = readFileSync('docs/OPERATIONS.md', 'utf8');
  const plain = (text: string) => text.replace(/\s+/g, ' ').replaceAll('`', '').trim();
  const section = (title: string) => manual.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';

  it('differences is what docs/OPERATIONS.md says, for each kind that the audit may name', async () => {
    const { DIFFERENCES } = await loadMeanings();
    const written = section('Differences').split('\n### ').slice(1);
    const expected = written.map((text) => {
      const [, kind = '', meaning = ''] = /^`([\w-]+)`\n(.*)$/s.exec(text) ?? [];
      return [kind, plain(meaning)];
    });
    expect(Object.keys(DIFFERENCES)).toEqual([...DIFFERENCE_KINDS]);
    expect(DIFFERENCES).toEqual(Object.fromEntries(expected));
  });

  it('dead letters is what docs/OPERATIONS.md says, for each reason', async () => {
    const { REASONS } = await loadMeanings();
    const rows = [...section('Dead letters').matchAll(/^\| `([\w-]+)` *\| (.*?) *\| (.*?) *\|$/gm)];
    const sentence = (text = '') => `${text.charAt(0).toUpperCase()}${plain(text).slice(1)}.`;
    const expected = rows.map(([, reason = '', what, toDo]) => [reason, `${sentence(what)} ${sentence(toDo)}`]);
    expect(Object.keys(REASONS).sort()).toEqual([...DEAD_LETTER_REASONS].sort());
    expect(REASONS).toEqual(Object.fromEntries(expected));
  });
});
