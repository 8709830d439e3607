import { createHmac } from 'node:crypto';
import { signToken, TokenVerifier } from '../../src/platform/http/access-token.js';
import { Problem } from '../../src/platform/http/problem.js';

const SECRET = 'the-first-secret-of-thirty-two-bytes!';
const OLD_SECRET = 'the-older-secret-of-thirty-two-bytes!';
const now = Math.floor(Date.now() / 1000);
const CLAIMS = { sub: 'alice', exp: now + 60 };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(claims: object, header: object = {}, secret = SECRET): string {
  const input = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

const bySecret = new TokenVerifier({ secrets: [SECRET, OLD_SECRET] });
const strict = new TokenVerifier({ secrets: [SECRET], issuer: 'us', audience: 'shop' });

const slugOf = (verifier: TokenVerifier, authorization?: string): string => {
  try {
    verifier.verify(authorization);
  } catch (error) {
    if (error instanceof Problem) return error.type.slug;
    throw error;
  }
  return 'accepted';
};

describe('verifying a token', () => {
  it('names its caller', () => {
    expect(bySecret.verify(`Bearer ${token(CLAIMS)}`)).toEqual({ subject: 'alice', role: 'buyer' });
    expect(bySecret.verify(`bearer  ${token({ ...CLAIMS, role: 'admin' })}`)).toEqual({
      subject: 'alice',
      role: 'admin',
    });
  });

  it('accepts what signToken makes, and every character that a subject may have', () => {
    const subject = 'Az09._:@|-'.padEnd(64, 'x');
    expect(bySecret.verify(`Bearer ${signToken(SECRET, { sub: subject, role: 'admin', ttlSeconds: 5 })}`)).toEqual({
      subject,
      role: 'admin',
    });
  });

  it('accepts the older secret while it is listed', () => {
    expect(slugOf(bySecret, `Bearer ${token(CLAIMS, {}, OLD_SECRET)}`)).toBe('accepted');
    expect(slugOf(new TokenVerifier({ secrets: [SECRET] }), `Bearer ${token(CLAIMS, {}, OLD_SECRET)}`)).toBe(
      'invalid-token',
    );
  });

  it('accepts issuer and audience when they are the configured ones', () => {
    expect(slugOf(strict, `Bearer ${token({ ...CLAIMS, iss: 'us', aud: ['shop', 'x'] })}`)).toBe('accepted');
  });

  it.each([[undefined], ['Basic YTpi'], ['Bearer'], ['Bearer '], ['Token x']])(
    'asks for credentials when it gets %p',
    (authorization) => {
      expect(slugOf(bySecret, authorization)).toBe('unauthenticated');
    },
  );

  const unsigned = `${encode({ alg: 'none' })}.${encode(CLAIMS)}`;
  const REFUSED: [string, TokenVerifier, string][] = [
    ['is unsigned (alg none)', bySecret, `${unsigned}.`],
    ['claims alg none but is signed', bySecret, token(CLAIMS, { alg: 'none' })],
    ['claims another algorithm', bySecret, token(CLAIMS, { alg: 'HS512' })],
    ['names a key id', bySecret, token(CLAIMS, { kid: '1' })],
    ['has a critical header', bySecret, token(CLAIMS, { crit: ['exp'] })],
    ['has an empty critical header', bySecret, token(CLAIMS, { crit: null })],
    ['has a bad signature', bySecret, `${token(CLAIMS).slice(0, -2)}AA`],
    ['was changed', bySecret, token(CLAIMS).replace(encode(CLAIMS), encode({ ...CLAIMS, sub: 'bob' }))],
    ['is expired', bySecret, token({ ...CLAIMS, exp: now - 1 })],
    ['is not yet valid', bySecret, token({ ...CLAIMS, nbf: now + 60 })],
    ['is valid after the end of the calendar', bySecret, token({ ...CLAIMS, nbf: 1e300 })],
    ['never expires', bySecret, token({ sub: 'alice' })],
    ['expires at a word', bySecret, token({ ...CLAIMS, exp: 'never' })],
    ['has no issuer', strict, token({ ...CLAIMS, aud: 'shop' })],
    ['has another issuer', strict, token({ ...CLAIMS, iss: 'them', aud: 'shop' })],
    ['has another audience', strict, token({ ...CLAIMS, iss: 'us', aud: 'blog' })],
    ['has no subject', bySecret, token({ exp: CLAIMS.exp })],
    ['has a number as subject', bySecret, token({ ...CLAIMS, sub: 7 })],
    ['has an empty subject', bySecret, token({ ...CLAIMS, sub: '' })],
    ['has a subject of 65 characters', bySecret, token({ ...CLAIMS, sub: 'x'.repeat(65) })],
    ['has a subject with a line break', bySecret, token({ ...CLAIMS, sub: 'alice\n' })],
    ['has an unknown role', bySecret, token({ ...CLAIMS, role: 'root' })],
    ['has no role but null', bySecret, token({ ...CLAIMS, role: null })],
    ['is 10 KB long', bySecret, token({ ...CLAIMS, more: 'x'.repeat(10_000) })],
    ['has two parts', bySecret, 'a.b'],
    ['has a list as payload', bySecret, token([])],
  ];
  it.each(REFUSED)('refuses a token that %s', (_name, verifier, refused) => {
    expect(slugOf(verifier, `Bearer ${refused}`)).toBe('invalid-token');
  });
});
