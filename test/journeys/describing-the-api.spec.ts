import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { request } from 'undici';
import type { ApiDocument, DocumentedOperation, OpenApiDocument } from '../support/api-document.js';
import { TestSystem } from '../support/system.js';

interface ProblemType {
  slug: string;
  status: number;
  when: string;
  next: string;
}

/** Answered where there is no operation. */
const OF_NO_OPERATION = ['method-not-allowed'];

const AN_ID = '01a1fda1-b549-70ec-997e-b75d3c616a5f';

describe('describing the API over HTTP', () => {
  let system: TestSystem;
  let api: ApiDocument;
  let document: OpenApiDocument;
  let operations: Operation[];
  let types: ProblemType[];
  beforeAll(async () => {
    system = await TestSystem.start();
    ({ api } = system.answers);
    ({ document } = api);
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
    );
    types = ((await ask('GET', '/problems', { accept: 'application/json' })).json() as { problems: ProblemType[] })
      .problems;
  }, 60_000);
  afterAll(() => system.close());

  type Operation = DocumentedOperation & { path: string; method: string };

  async function ask(method: string, path: string, headers: Record<string, string> = {}) {
    const answer = await request(system.url + path.replace('{slug}', 'not-found').replace(/\{\w+\}/g, AN_ID), {
      method: method as 'GET',
      headers,
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: (): unknown => JSON.parse(text) };
  }

  const roleOf = ({ security }: Operation) => security?.[0]?.bearer[0] ?? 'public';
  const slugsOf = ({ responses }: Operation) =>
    [...JSON.stringify(responses).matchAll(/"\/problems\/([a-z-]+)"/g)].map(([, slug = '']) => slug);

  it('is valid OpenAPI 3.1, and has the version of the package', async () => {
    const validator = new Validator();
    expect(await validator.validate({ ...structuredClone(document) })).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(document.info.version).toBe(version);
  });

  it('describes each method that an address knows, and no other', async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const documented = Object.keys(methods).map((method) => method.toUpperCase());
      const isHeadToo = documented.includes('GET') && !path.endsWith('/events');
      const { status, headers } = await ask('TRACE', path);
      expect([path, status, headers.allow]).toEqual([
        path,
        405,
        [...documented, ...(isHeadToo ? ['HEAD'] : [])].sort().join(', '),
      ]);
    }
  });

  it('says who may call: nobody else gets further than to 401 or 403', async () => {
    for (const operation of operations) {
      const { method, path, operationId } = operation;
      const role = roleOf(operation);
      const nobody = await ask(method, path);
      const buyer = await ask(method, path, { authorization: `Bearer ${system.token('ann')}` });
      expect([operationId, nobody.status === 401 && nobody.text.includes('/problems/unauthenticated')]).toEqual([
        operationId,
        role !== 'public',
      ]);
      expect([operationId, buyer.status === 403]).toEqual([operationId, role === 'admin']);
    }
  });

  it('gives every operation a name of its own in camelCase, a line about it, and an example of its body', () => {
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { operationId, summary, requestBody } of operations) {
      expect(operationId).toMatch(/^[a-z]+([A-Z][a-z]+)+$/);
      expect(summary).toMatch(/^[A-Z][^`]*[^.]$/);
      if (requestBody === undefined) continue;
      const [, component = ''] = /"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(requestBody)) ?? [];
      expect([operationId, JSON.stringify(document.components.schemas[component] ?? requestBody)]).toEqual([
        operationId,
        expect.stringContaining('"examples":[{'),
      ]);
    }
  });

  it('shows only examples that its schemas allow', () => {
    let examples = 0;
    const look = (value: unknown, pointer: string[]): void => {
      if (typeof value !== 'object' || value === null) return;
      if ('examples' in value && Array.isArray(value.examples)) {
        for (const example of value.examples) {
          expect([pointer, api.mistakeAt(pointer, example)]).toEqual([pointer, undefined]);
          examples += 1;
        }
      }
      for (const [key, inner] of Object.entries(value)) if (key !== 'examples') look(inner, [...pointer, key]);
    };
    look(document, []);
    expect(examples).toBeGreaterThan(10);
  });

  it('names only problem types that there are, and each of them where it is answered', () => {
    const named = new Set(operations.flatMap(slugsOf));
    const known = types.map(({ slug }) => slug);
    expect([...named].filter((slug) => !known.includes(slug))).toEqual([]);
    expect(known.filter((slug) => !named.has(slug))).toEqual(OF_NO_OPERATION);
  });

  it('has a page for each problem type, as HTML and as JSON, and none for others', async () => {
    for (const { slug, ...type } of types) {
      const page = await ask('GET', `/problems/${slug}`);
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
      expect(page.text).toContain(`/problems/${slug}`);
      expect((await ask('GET', `/problems/${slug}`, { accept: 'application/json' })).json()).toEqual({ slug, ...type });
    }
    const unknown = await ask('GET', '/problems/no-such-thing');
    expect([unknown.status, unknown.json()]).toMatchObject([404, { type: '/problems/not-found' }]);
  });

  it('lets everybody read what describes it, and keep it for a while', async () => {
    for (const path of ['/openapi.json', '/docs', '/problems', '/problems/sold-out']) {
      for (const method of ['GET', 'HEAD']) {
        expect(await ask(method, path)).toMatchObject({
          status: 200,
          headers: { 'cache-control': 'public, max-age=300' },
        });
      }
    }
  });

  it('shows the document on a page that loads nothing from elsewhere', async () => {
    const page = await ask('GET', '/docs');
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)]
      .map(([, url = '']) => url)
      .filter((url) => url !== 'data:,');
    expect(parts).toHaveLength(3);
    for (const part of parts) {
      expect(part).toMatch(/^\/docs\/\w+\.(css|js)\?v=[0-9a-f]+$/);
      expect(await ask('GET', part)).toMatchObject({
        status: 200,
        headers: { 'cache-control': expect.stringContaining('immutable') },
      });
    }
    for (const nothing of ['nothing.js', 'constructor', '__proto__', '..%2Fpackage.json']) {
      expect((await ask('GET', `/docs/${nothing}`)).status).toBe(404);
    }
  });

  describe('docs/API.md', () => {
    const rows = (heading: string) => {
      const [, section = ''] = readFileSync('docs/API.md', 'utf8').split(`\n## ${heading}\n`);
      const table = section.split('\n## ')[0]?.match(/^\|.*\|$/gm) ?? [];
      return table.slice(2).map((row) => row.replace(/ *\| */g, '|'));
    };

    it('lists every operation, and no other', () => {
      expect(rows('Operations')).toEqual(
        operations.map((operation) => {
          const statuses = Object.keys(operation.responses).filter((status) => Number(status) < 400);
          const { method, path, operationId, summary } = operation;
          return `|\`${method} ${path}\`|\`${operationId}\`|${roleOf(operation)}|${statuses.join(', ')}|${summary}|`;
        }),
      );
    });

    it('explains every problem type, and no other', () => {
      expect(rows('Problem types')).toEqual(
        types.map(({ slug, status, when, next }) => `|${status}|\`${slug}\`|${when}|${next}|`),
      );
    });
  });
});
