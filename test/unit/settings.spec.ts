import { loadSettings } from '../../src/config/load-settings.js';
import { environment, mistakesOf, SECRET } from '../support/environment.js';

describe('reading the settings', () => {
  it('fills in every default when only what has none is given', () => {
    expect(loadSettings(environment())).toMatchObject({
      NODE_ENV: 'development',
      PORT: 3000,
      HOST: '127.0.0.1',
      STOCK_LANES: 1,
      JWT_SECRET: [SECRET],
    });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(loadSettings(environment({ PORT: '', METRICS_PORT: '' }))).toMatchObject({ PORT: 3000 });
    expect(mistakesOf({ REDIS_URL: '' })).toEqual([expect.stringMatching(/^REDIS_URL: is required/)]);
  });

  it('reads several secrets, of which the first signs', () => {
    const older = SECRET.toUpperCase();
    expect(loadSettings(environment({ JWT_SECRET: `${SECRET}, ${older}` })).JWT_SECRET).toEqual([SECRET, older]);
  });

  it('demands no issuer and no audience of tokens unless they are given', () => {
    expect(loadSettings(environment({ JWT_AUDIENCE: '' }))).not.toHaveProperty('JWT_AUDIENCE');
    expect(loadSettings(environment({ JWT_ISSUER: 'shop' }))).toMatchObject({ JWT_ISSUER: 'shop' });
  });

  it('ignores variables that are not its own', () => {
    expect(loadSettings(environment({ PATH: '/bin' }))).not.toHaveProperty('PATH');
  });

  it('reports every mistake at once, one line each, the variable first', () => {
    const lines = mistakesOf({
      DATABASE_URL: undefined,
      REDIS_URL: 'memcached://cache',
      JWT_SECRET: 'short',
      PORT: 'abc',
      LOG_LEVEL: 'loud',
      STOCK_LANES: '0',
    });
    const variables = lines.map((line) => line.split(':')[0]);
    expect(variables.sort()).toEqual(['DATABASE_URL', 'JWT_SECRET', 'LOG_LEVEL', 'PORT', 'REDIS_URL', 'STOCK_LANES']);
    expect(lines.filter((line) => line.includes('\n'))).toEqual([]);
  });

  it('reports settings that contradict one another beside those that are wrong alone', () => {
    const lines = mistakesOf({ PORT: 'abc', REDIS_URL: undefined, PERSIST_CLAIM_AFTER_MS: '9999' });
    expect(lines.map((line) => line.split(':')[0]).sort()).toEqual(['PERSIST_CLAIM_AFTER_MS', 'PORT', 'REDIS_URL']);
  });

  it('blames only the wrong one of two settings that belong together', () => {
    const lines = mistakesOf({ STATEMENT_TIMEOUT_MS: 'abc', PERSIST_CLAIM_AFTER_MS: '100' });
    expect(lines).toEqual([expect.stringMatching(/^STATEMENT_TIMEOUT_MS: /)]);
  });

  it.each([
    ['DATABASE_URL', 'mysql://app:hunter2@db/stampede'],
    ['DATABASE_URL', 'hunter2'],
    ['REDIS_URL', 'https://:hunter2@cache'],
    ['JWT_SECRET', 'hunter2'],
    ['PAYMENT_WEBHOOK_SECRETS', 'hunter2'],
    ['PAYMENT_GATEWAY_URL', 'ftp://:hunter2@gateway'],
    ['QUEUE_REDIS_URL', 'https://:hunter2@cache'],
    ['PORT', 'hunter2'],
    ['NODE_ENV', 'hunter2'],
    ['LOG_LEVEL', 'hunter2'],
  ])('never shows the value of %s when it is %s', (variable, value) => {
    const lines = mistakesOf({ [variable]: value });
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^${variable}: \\S`))]);
    expect(lines.join()).not.toContain('hunter2');
  });

  it.each(['abc', '-1', '65536', '3000.5', '0x10', '1e3', ' 3000', '99999999999'])('refuses PORT=%s', (port) => {
    expect(mistakesOf({ PORT: port })).toEqual(['PORT: must be an integer from 0 to 65535']);
  });

  it.each([
    ['one character too short', 'x'.repeat(31)],
    ['a default that was left', 'change-me-change-me-change-me-change-me'],
    ['a good one beside a short one', `${SECRET},short`],
    ['a good one and a comma', `${SECRET},`],
    ['a key that is public', '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----'],
  ])('refuses as JWT_SECRET %s', (_, secret) => {
    expect(mistakesOf({ JWT_SECRET: secret })).toEqual([expect.stringMatching(/^JWT_SECRET: .*at least 32 bytes/)]);
  });

  it('counts the bytes of a secret, not its characters', () => {
    expect(mistakesOf({ JWT_SECRET: 'é'.repeat(16) })).toEqual([]);
  });

  it.each([
    [
      '9999',
      ['PERSIST_CLAIM_AFTER_MS: must be at least twice STATEMENT_TIMEOUT_MS, or work in hand would be taken over'],
    ],
    ['10000', []],
  ])('lets work be taken over after %s ms when a statement may take 5000', (claimAfterMs, expected) => {
    expect(mistakesOf({ STATEMENT_TIMEOUT_MS: '5000', PERSIST_CLAIM_AFTER_MS: claimAfterMs })).toEqual(expected);
  });

  it.each([
    ['http without its address', { PAYMENT_GATEWAY_URL: undefined }, ['PAYMENT_GATEWAY_URL']],
    ['Stripe without its key', { PAYMENT_GATEWAY: 'stripe', PAYMENT_GATEWAY_URL: undefined }, ['STRIPE_SECRET_KEY']],
    ['Stripe with its key alone', { PAYMENT_GATEWAY: 'stripe', STRIPE_SECRET_KEY: 'sk', PAYMENT_GATEWAY_URL: '' }, []],
    ['no secret for webhooks', { PAYMENT_WEBHOOK_SECRETS: undefined }, ['PAYMENT_WEBHOOK_SECRETS']],
  ])('judges a gateway: %s', (_, overrides: Record<string, string | undefined>, variables) => {
    expect(mistakesOf(overrides).map((line) => line.split(':')[0])).toEqual(variables);
  });

  it.each([
    ['6', ['OUTBOX_LEASE_SECONDS']],
    ['7', []],
  ])('lets events come again after %s s when two calls of the gateway may take 3 s each', (seconds, variables) => {
    const lines = mistakesOf({ OUTBOX_LEASE_SECONDS: seconds, GATEWAY_ATTEMPTS_MAX: '2', GATEWAY_TIMEOUT_MS: '3000' });
    expect(lines.map((line) => line.split(':')[0])).toEqual(variables);
  });
});
