import { ask, type Answer } from './client.js';
import { ADMIN, BUYER, startTinyApp, type TinyApp } from './tiny-app.js';

let app: TinyApp;
beforeAll(async () => {
  app = await startTinyApp();
});
afterAll(() => app.close());

const ORDERS = '/things/1/orders';
const JSON_TYPE = { 'content-type': 'application/json' };

const order = (body?: string | Buffer, headers: Record<string, string> = JSON_TYPE): Promise<Answer> =>
  ask(app.url + ORDERS, {
    method: 'POST',
    headers: { authorization: BUYER, ...headers },
    ...(body !== undefined && { body }),
  });

const slugOf = ({ json }: Answer): string => String(json.type).replace('/problems/', '');

/** [what is sent, the bytes, status, slug, pointer of the first error] */
const BODIES: [string, string | Buffer, string, string?][] = [
  ['null', 'null', 'invalid-body'],
  ['a list', '[]', 'invalid-body'],
  ['a string', '"x"', 'invalid-body'],
  ['nothing at all', '', 'invalid-body'],
  ['JSON that is cut off', '{"quantity":', 'malformed-json'],
  ['NaN', '{"quantity":NaN}', 'malformed-json'],
  ['a trailing comma', '{"quantity":1,}', 'malformed-json'],
  ['a byte order mark', '\ufeff{"quantity":1}', 'malformed-json'],
  ['__proto__', '{"quantity":1,"__proto__":{"a":1}}', 'malformed-json'],
  ['__proto__ alone', '{"__proto__":1}', 'malformed-json'],
  ['__proto__ in escapes', '{"\\u005f_proto__":1}', 'malformed-json'],
  ['constructor.prototype', '{"constructor":{"prototype":{}}}', 'malformed-json'],
  ['a duplicate key', '{"quantity":1,"quantity":2}', 'malformed-json'],
  ['a NUL', '{"quantity":"\\u0000"}', 'malformed-json'],
  ['a lone surrogate', '{"quantity":"\\ud800"}', 'malformed-json'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'malformed-json'],
  ['2,000 levels of nesting', '['.repeat(2_000) + ']'.repeat(2_000), 'malformed-json'],
  ['an unknown field', '{"quantity":1,"price":0}', 'unknown-field', '/price'],
  ['an unknown field with a slash and a tilde', '{"quantity":1,"a/b~c":0}', 'unknown-field', '/a~1b~0c'],
  ['no field', '{}', 'invalid-field', '/quantity'],
  ...['"2"', 'true', '[2]', 'null', '{}', '0', '-1', '-0', '1.5', '1e400', '9007199254740993'].map(
    (quantity): [string, string, string, string] => [
      `quantity ${quantity}`,
      `{"quantity":${quantity}}`,
      'invalid-field',
      '/quantity',
    ],
  ),
];

describe('a body that is wrong', () => {
  it.each(BODIES)(
    'is refused when it is %s, and the handler never sees it',
    async (_name, body, slug, ...[pointer]) => {
      const before = app.till.taken.length;
      const answer = await order(body);
      expect([answer.status, slugOf(answer)]).toEqual([400, slug]);
      const errors = answer.json.errors as { pointer: string }[] | undefined;
      expect(errors?.[0]?.pointer).toBe(pointer);
      expect(app.till.taken.length).toBe(before);
    },
  );

  it('is refused when it is absent, content type and all', async () => {
    expect(slugOf(await order(undefined, {}))).toBe('invalid-body');
  });

  it.each([
    ['more than the route takes', 'x'.repeat(4_097)],
    ['20,000 levels of nesting', '['.repeat(20_000)],
    ['a megabyte', 'x'.repeat(1_000_000)],
  ])('is refused with 413 when it is %s', async (_name, body) => {
    const answer = await order(body);
    expect([answer.status, slugOf(answer)]).toEqual([413, 'body-too-large']);
  });

  it('is judged by its value: 1.0 and 1e0 are 1', async () => {
    app.till.taken.length = 0;
    expect((await order('{"quantity":1.0}')).status).toBe(202);
    expect((await order('{"quantity":1e0}')).status).toBe(202);
    expect(app.till.taken).toEqual([1, 1]);
  });
});

describe('a content type', () => {
  const FORMS: [string, Record<string, string>][] = [
    ['missing', {}],
    ['text/plain', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['in UTF-16', { 'content-type': 'application/json; charset=utf-16' }],
    ['JSON with another parameter', { 'content-type': 'application/json; version=2' }],
    ['something with +json', { 'content-type': 'application/vnd.api+json' }],
    ['not a content type', { 'content-type': 'json' }],
    ['compressed', { ...JSON_TYPE, 'content-encoding': 'gzip' }],
  ];
  it.each(FORMS)('is refused with 415 when it is %s, before the body is looked at', async (_name, headers) => {
    const answer = await order('x'.repeat(5_000), headers);
    expect([answer.status, slugOf(answer)]).toEqual([415, 'unsupported-media-type']);
  });

  const ACCEPTED = ['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'];
  it.each(ACCEPTED)('is accepted when it is %s', async (type) => {
    expect((await order('{"quantity":1}', { 'content-type': type, 'content-encoding': 'identity' })).status).toBe(202);
  });

  it('does not matter to a route that wants the bytes as they are', async () => {
    const answer = await ask(`${app.url}/raw`, { method: 'POST', body: '{not json', headers: JSON_TYPE });
    expect([answer.status, answer.text]).toEqual([200, '{not json']);
    expect(
      (await ask(`${app.url}/raw`, { method: 'POST', body: 'a=b', headers: { 'content-type': 'text/plain' } })).text,
    ).toBe('a=b');
  });
});

describe('credentials', () => {
  const CALLS: [string, Record<string, string>, string, string, number, string?][] = [
    ['nobody asks for a buyer route', {}, ORDERS, 'POST', 401, 'unauthenticated'],
    ['the scheme is Basic', { authorization: 'Basic YTpi' }, ORDERS, 'POST', 401, 'unauthenticated'],
    ['the token is garbage', { authorization: 'Bearer x' }, ORDERS, 'POST', 401, 'invalid-token'],
    ['a buyer asks for a route without any rule', { authorization: BUYER }, '/nest/things', 'POST', 403, 'forbidden'],
    ['nobody asks for a route without any rule', {}, '/nest/things', 'POST', 401, 'unauthenticated'],
    [
      'a buyer asks for an admin handler of a public controller',
      { authorization: BUYER },
      '/open/nobody',
      'GET',
      403,
      'forbidden',
    ],
    ['nobody asks for a handler of a public controller', {}, '/open/anybody', 'GET', 200],
    [
      'an admin asks for a buyer route',
      { authorization: ADMIN },
      '/nest/things/0199a0a0-0000-7000-8000-000000000000',
      'GET',
      200,
    ],
  ];
  it.each(CALLS)('decide when %s', async (_name, headers, path, method, status, ...[slug]) => {
    const answer = await ask(app.url + path, { method, headers });
    expect(answer.status).toBe(status);
    if (slug) expect(slugOf(answer)).toBe(slug);
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it('are judged before the body', async () => {
    expect((await order('{', { ...JSON_TYPE, authorization: 'Bearer x' })).status).toBe(401);
  });

  it('give the handler its caller, and the answer is not to be stored', async () => {
    const id = '0199a0a0-0000-7000-8000-000000000000';
    const answer = await ask(`${app.url}/nest/things/${id}`, { headers: { authorization: BUYER } });
    expect(answer.json).toEqual({ id, caller: { subject: 'alice', role: 'buyer' } });
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
});

describe('an address', () => {
  const METHODS = ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'SUBSCRIBE'];
  it.each(METHODS)('that only knows POST answers 405 to %s, whoever asks', async (method) => {
    const answer = await ask(app.url + ORDERS, { method });
    expect([answer.status, answer.headers.allow, slugOf(answer)]).toEqual([405, 'POST', 'method-not-allowed']);
  });

  it('that knows GET knows HEAD', async () => {
    expect((await ask(`${app.url}/nest/things`, { method: 'HEAD' })).status).toBe(200);
    expect((await ask(`${app.url}/nest/things`, { method: 'PUT' })).headers.allow).toBe('GET, HEAD, POST');
  });

  it.each(['/', '/nowhere', '/things//', '/things/1/orders/', '/../etc/passwd', '/things/1/orders%00'])(
    '%s is not known: 404',
    async (path) => {
      const answer = await ask(app.url + path);
      expect([answer.status, slugOf(answer)]).toEqual([404, 'not-found']);
    },
  );

  it('that is not known is 404 also for a body that could not be read', async () => {
    expect((await ask(`${app.url}/nowhere`, { method: 'POST', headers: JSON_TYPE, body: '{' })).status).toBe(404);
  });

  it.each(['/things/%', '/things/%zz/orders', '/things/%ff/orders'])('%s is no address: 400', async (path) => {
    const answer = await ask(app.url + path, { method: 'POST' });
    expect([answer.status, slugOf(answer)]).toEqual([400, 'invalid-id']);
    expect(answer.headers['x-request-id']).toBe(answer.json.instance);
  });

  it('may hold an identifier of any form, since the handler is to judge it', async () => {
    const url = `${app.url}/things/${'x'.repeat(1_000)}/orders`;
    expect((await ask(url, { method: 'POST', headers: { authorization: BUYER } })).status).toBe(400);
  });

  it('of 10 KB is too long: 414', async () => {
    expect(slugOf(await ask(`${app.url}/nest/things?limit=${'1'.repeat(10_000)}`))).toBe('uri-too-long');
    expect(slugOf(await ask(`${app.url}/things/${'x'.repeat(10_000)}/orders`, { method: 'POST' }))).toBe(
      'uri-too-long',
    );
    expect(slugOf(await ask(`${app.url}/${'%'.repeat(10_000)}`))).toBe('uri-too-long');
  });
});

describe('a request to a Nest handler', () => {
  const create = (body: string): Promise<Answer> =>
    ask(`${app.url}/nest/things`, { method: 'POST', headers: { ...JSON_TYPE, authorization: ADMIN }, body });

  it.each([
    ['is not an object', '[]', 'invalid-body', undefined],
    ['is absent', '', 'invalid-body', undefined],
    ['has an unknown field', '{"name":"a","x/y":1}', 'unknown-field', '/x~1y'],
    ['misses a field', '{}', 'invalid-field', '/name'],
    ['has a wrong item in a list', '{"name":"a","sizes":[1,"2"]}', 'invalid-field', '/sizes/1'],
    ['has a duplicate key', '{"name":"a","name":"b"}', 'malformed-json', undefined],
  ])('is refused when its body %s', async (_name, body, slug, pointer) => {
    const answer = await create(body);
    expect([answer.status, slugOf(answer)]).toEqual([400, slug]);
    expect((answer.json.errors as { pointer: string }[] | undefined)?.[0]?.pointer).toBe(pointer);
  });

  it('is passed on when its body is right', async () => {
    expect((await create('{"name":"a","sizes":[1]}')).json).toEqual({ name: 'a', sizes: [1] });
  });

  it.each(['limit=-1', 'limit=1e9', 'limit=x', 'unknown=1'])('is refused when its query is %s', async (query) => {
    expect(slugOf(await ask(`${app.url}/nest/things?${query}`))).toBe('invalid-query');
  });

  it('gets the defaults of its query', async () => {
    expect((await ask(`${app.url}/nest/things`)).json).toEqual({ limit: 20 });
  });

  it('is refused when its id is none', async () => {
    expect(slugOf(await ask(`${app.url}/nest/things/%00`, { headers: { authorization: BUYER } }))).toBe('invalid-id');
  });
});

it('gives every answer the id of its request', async () => {
  const { headers } = await ask(`${app.url}/nest/things`, { headers: { 'x-request-id': 'my-id' } });
  expect(headers['x-request-id']).toBe('my-id');
});

describe('an answer that is not a success', () => {
  it('is a problem document with the id of the request', async () => {
    const answer = await ask(`${app.url}/nest/odd`, { headers: { 'x-request-id': 'my-id.1_2' } });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'x-request-id': 'my-id.1_2',
      'retry-after': '7',
    });
    expect(answer.json).toEqual({
      type: '/problems/odd-thing',
      title: 'The thing is odd',
      status: 409,
      detail: 'Try another one.',
      instance: 'my-id.1_2',
      errors: [{ pointer: '/a~1b', detail: 'is odd' }],
    });
  });

  it.each([['/nest/bug'], ['/direct-bug']])('shows nothing of a bug, which is reported once (%s)', async (path) => {
    app.bugs.length = 0;
    const answer = await ask(app.url + path);
    expect([answer.status, answer.json.type]).toEqual([500, '/problems/internal']);
    expect(answer.text).not.toMatch(/postgres|SELECT|\.ts|node_modules/);
    expect(app.bugs).toEqual([expect.any(Error)]);
  });

  it('says nothing that Nest made up', async () => {
    const answer = await ask(`${app.url}/nest/teapot`);
    expect(slugOf(answer)).toBe('not-found');
    expect(answer.text).not.toContain('internal words');
  });

  it.each(['a b', '<script>', 'x'.repeat(65), 'ü', ''])(
    'has an id of our own when the client sends the id "%s"',
    async (id) => {
      const { headers } = await ask(`${app.url}/nowhere`, {
        headers: { 'x-request-id': Buffer.from(id).toString('latin1') },
      });
      expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9_-]{8}-[0-9a-z]+$/);
    },
  );
});
