import { request } from 'undici';
import { calls } from '../support/page-sources.js';
import { TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(() => system.close());

describe('the pages', () => {
  it.each(['/', '/ops', '/assets/shop.mjs', '/assets/ops.css', '/assets/icon.svg'])(
    'are served at %s',
    async (path) => {
      const { statusCode, headers, body } = await request(system.url + path);
      expect((await body.text()).length).toBeGreaterThan(100);
      expect([statusCode, headers['x-content-type-options']]).toEqual([200, 'nosniff']);
    },
  );

  /** A method that nothing has is answered with those that there are. */
  it.each(calls())('find an address of the API where they ask for %s', async (call) => {
    const [method, path] = call.split(' ') as [string, string];
    const { statusCode, headers, body } = await request(system.url + path, { method: 'PROPFIND' as 'GET' });
    await body.dump();
    expect([statusCode, headers.allow]).toEqual([405, expect.stringMatching(`\\b${method}\\b`)]);
  });

  it('ask for all that a buyer and an operator do', () => {
    expect(calls().length).toBeGreaterThanOrEqual(16);
  });
});
