import { existsSync } from 'node:fs';
import { variables } from '../../src/config/settings.js';
import { all, documents, read, textOf } from '../support/documents.js';

/** What the code says, without its comments. */
const source = [
  ...['src', 'scripts', 'bench', 'load-tests'].flatMap((folder) =>
    ['.ts', '.mjs', '.lua'].map((ending) => textOf(folder, ending)),
  ),
  ...['docker-compose.yml', 'Dockerfile'].map(read),
]
  .join('\n')
  .replace(/^\s*(\/?\*|\/\/|--|#).*$/gm, '');

describe('the names in the documents', () => {
  it.each(documents)('of %s that are commands exist: npm scripts, roles, stations, programs', (document) => {
    const text = read(document);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const [roles = ''] = all(read('src/command-line.ts'), /ROLES.* = \[(.+)\]/g);
    const stations = all(read('src/app.module.ts'), /^ {2}'?([\w-]+)'?: \w+Module/gm);
    const unknown = [
      ...all(text, /npm (?:run )?(start|test|(?<=run )[\w:-]+)/g).filter((name) => !(name in scripts)),
      ...all(text, /node dist\/main(?:\.js)? ([\w-]+)/g).filter((role) => !roles.includes(`'${role}'`)),
      ...all(text, /--stations[ =]([a-z][a-z,-]*)/g).flatMap((names) =>
        names.split(',').filter((name) => name !== '' && !stations.includes(name)),
      ),
      ...all(text, /node (?:-\S+ )*(dist\/[\w/]+)/g).filter((file) => !existsSync(`${file.replace('dist', 'src')}.ts`)),
    ];
    expect(unknown).toEqual([]);
  });

  it.each(documents)('of %s that are settings, outcomes or constants are declared', (document) => {
    const named = all(read(document), /(?<=[`\s"'(])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b/g);
    const isDeclared = (name: string) =>
      name in variables.shape || new RegExp(`(^\\s*|const |['"{.])${name}\\b`, 'm').test(source);
    expect([...new Set(named)].filter((name) => !isDeclared(name))).toEqual([]);
  });

  it.each(documents)('of %s that are metrics are shown', (document) => {
    const named = all(read(document), /`(stampede_\w+)/g);
    expect(named.filter((metric) => !source.includes(`'${metric}'`))).toEqual([]);
  });

  it.each(documents)('of %s that are addresses are served, by that method', (document) => {
    const routes = routesOfTheCode();
    const isServed = ({ method, path }: Route) =>
      routes.some((route) => isSamePath(route.path, path) && (method === '' || method === route.method));
    expect(addressesIn(read(document)).filter((route) => !isServed(route))).toEqual([]);
  });

  it.each(documents)('of %s that are problem types are declared, with that status', (document) => {
    const declared = [...source.matchAll(/problemType\(\s*'([\w-]+)',\s*(\d+)/g)].map(([, slug, status]) =>
      [status, slug].join(' '),
    );
    const text = read(document);
    const named = [...text.matchAll(/\b([45]\d\d)`? `?([a-z]+(?:-[a-z]+)+|(?<=`)[a-z]+(?=`))/g)].map(
      ([, status, slug]) => `${status} ${slug}`,
    );
    expect(named.filter((problem) => !declared.includes(problem))).toEqual([]);
    const slugs = declared.map((problem) => problem.slice(4));
    expect(all(text, /\/problems\/([a-z-]+)/g).filter((slug) => !slugs.includes(slug))).toEqual([]);
  });
});

interface Route {
  /** `''` for any. */
  method: string;
  path: string;
}

/** Nest's and Fastify's; the simulator's too. */
function routesOfTheCode(): Route[] {
  const routes: Route[] = [];
  for (const controller of source.split('@Controller(').slice(1)) {
    const prefix = /^'([^']*)'/.exec(controller)?.[1] ?? '';
    for (const [, verb = '', path = ''] of controller.matchAll(
      /^ {2}@(Get|Post|Put|Patch|Delete)\((?:'([^']*)')?\)/gm,
    )) {
      routes.push({ method: verb.toUpperCase(), path: `/${[prefix, path].filter(Boolean).join('/')}` });
    }
  }
  for (const [, verb = '', path = ''] of source.matchAll(
    /\.(get|post|put|patch|delete)(?:<[^(]*>)?\(\s*'(\/[^']*)'/g,
  )) {
    routes.push({ method: verb.toUpperCase(), path });
  }
  return [...routes, ...all(source, /const [A-Z_]*PATH = '(\/[^']*)'/g).map((path) => ({ method: 'GET', path }))];
}

/** `/v1/…` and what stands behind a method. A path that is cut short with an ellipsis is none. */
function addressesIn(text: string): Route[] {
  const found = text.matchAll(/(?:\b(GET|POST|PUT|PATCH|DELETE) )?(?<![\w.…])(\/(?!\/)[^\s`"'?)\\]*)/g);
  return [...found].flatMap(([, method = '', rest = '']) => {
    const path = rest.replace(/[.,:;*]+$/, '').replace(/\/$/, '');
    return method === '' && !path.startsWith('/v1/') ? [] : { method, path };
  });
}

const isSamePath = (pattern: string, path: string): boolean => {
  const [ours, theirs] = [pattern.split('/'), path.split('/')];
  return (
    ours.length === theirs.length &&
    ours.every((segment, index) => segment.startsWith(':') || segment === theirs[index])
  );
};
