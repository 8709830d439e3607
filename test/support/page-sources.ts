import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const BROWSER = join(__dirname, '../../src/pages/browser');

export const readSource = (name: string): string => readFileSync(join(BROWSER, name), 'utf8');

export const sourcesOf = (extension: string): string[] =>
  readdirSync(BROWSER).filter((name) => name.endsWith(`.${extension}`));

export const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found);

/** A script and all that it imports, directly or not. */
export function withImports(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const name of matches(readSource(entry), /^import .* from '\.\/([^']+)';$/gm)) withImports(name, seen);
  return seen;
}

const SOME_UUID = '01900000-0000-7000-8000-000000000000';

/** What stands for a part of a path. Whatever is put into the name of an action is asked for as each of them. */
const ACTIONS = ['pause', 'resume', 'end'];

/** Every `METHOD path` that the scripts ask the API for. */
export function calls(): string[] {
  const found = sourcesOf('mjs').flatMap((name) =>
    [...readSource(name).matchAll(/\.(get|getText|stream|post)\(\s*([`'])(\/.*?)\2/g)].map(
      ([, method, , path = '']) => `${method === 'post' ? 'POST' : 'GET'} ${path.replace(/\?.*/, '')}`,
    ),
  );
  const named = found.flatMap((call) =>
    call.includes('${order}') ? ACTIONS.map((action) => call.replace('${order}', action)) : [call],
  );
  return [...new Set(named.map((call) => call.replace(/\$\{[^}]*\}/g, SOME_UUID)))].sort();
}
