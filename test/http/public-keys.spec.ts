import { createHmac } from 'node:crypto';
import { TokenVerifier, type Caller } from '../../src/platform/http/access-token.js';
import { VerifiedTokens } from '../../src/platform/http/verified-tokens.js';
import { ecIssuer, edIssuer, rsaIssuer, type TokenIssuer } from '../support/key-pairs.js';

const now = Math.floor(Date.now() / 1000);
const CLAIMS = { sub: 'alice', exp: now + 600 };

const [ed, rsa, ec] = [edIssuer(), rsaIssuer(), ecIssuer()];
const verifierOf = (...issuers: TokenIssuer[]): TokenVerifier =>
  new TokenVerifier({ publicKeys: issuers.map(({ pem }) => pem) });

const accepts = (verifier: TokenVerifier, token: string): boolean => {
  try {
    verifier.verify(`Bearer ${token}`);
    return true;
  } catch {
    return false;
  }
};

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What whoever knows the public key can make: its text as the secret of an HMAC. */
function byText(text: string, alg = 'HS256'): string {
  const input = `${encode({ alg })}.${encode(CLAIMS)}`;
  return `${input}.${createHmac('sha256', text).update(input).digest('base64url')}`;
}

afterEach(() => jest.useRealTimers());

describe('verifying a token by public keys', () => {
  it.each([
    ['Ed25519', ed],
    ['RSA', rsa],
    ['P-256', ec],
  ])('names its caller, with a key of kind %s', (_, issuer) => {
    expect(verifierOf(issuer).verify(`Bearer ${issuer.token({ ...CLAIMS, role: 'admin' })}`)).toEqual({
      subject: 'alice',
      role: 'admin',
    });
  });

  const unsigned = `${encode({ alg: 'none' })}.${encode(CLAIMS)}.`;
  const [, , signature = ''] = ed.token(CLAIMS).split('.');
  const REFUSED: [string, TokenIssuer, string][] = [
    ['is signed with HS256 by the text of the key', rsa, byText(rsa.pem)],
    ['is signed with HS256 by the text of the key without its last line break', rsa, byText(rsa.pem.trim())],
    ['is signed with HS256 by the text of the key, and claims its algorithm', rsa, byText(rsa.pem, 'RS256')],
    ['is signed with HS256 by the text of an Ed25519 key', ed, byText(ed.pem)],
    ['is signed with HS256 by the text of a P-256 key', ec, byText(ec.pem)],
    ['is unsigned (alg none)', ed, unsigned],
    ['claims alg none and has a right signature', ed, ed.token(CLAIMS, { alg: 'none' })],
    ['is unsigned and has the signature of another token', ed, unsigned + signature],
    ['has an algorithm in other letters', ed, ed.token(CLAIMS, { alg: 'EDDSA' })],
    ['has no signature', ed, `${ed.token(CLAIMS).split('.').slice(0, 2).join('.')}.`],
    ['is signed by an RSA key, where Ed25519 is configured', ed, rsa.token(CLAIMS)],
    ['is signed by an RSA key that claims EdDSA, where Ed25519 is configured', ed, rsa.token(CLAIMS, { alg: 'EdDSA' })],
    ['is signed by an Ed25519 key, where RSA is configured', rsa, ed.token(CLAIMS)],
    ['is signed by an Ed25519 key that claims RS256, where RSA is configured', rsa, ed.token(CLAIMS, { alg: 'RS256' })],
    ['has another algorithm of the same kind of key', rsa, rsa.token(CLAIMS, { alg: 'RS512' })],
    ['is signed by another key of the same kind', ed, edIssuer().token(CLAIMS)],
    ['brings its own key', ed, edIssuer().token(CLAIMS, { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } })],
    ['names a key id', ed, ed.token(CLAIMS, { kid: '1' })],
    ['never expires', ed, ed.token({ sub: 'alice' })],
    ['is expired', ed, ed.token({ ...CLAIMS, exp: now - 1 })],
  ];
  it.each(REFUSED)('refuses a token that %s', (_, configured, token) => {
    expect(accepts(verifierOf(configured), token)).toBe(false);
  });

  it('accepts what any of several keys signed, of whatever kind, and no longer what one signed that was taken away', () => {
    const token = ed.token(CLAIMS);
    expect([rsa, ed, ec].map((issuer) => accepts(verifierOf(rsa, ed, ec), issuer.token(CLAIMS)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(accepts(verifierOf(rsa, ec), token)).toBe(false);
  });
});

describe('remembering verified tokens', () => {
  it('refuses a token once it has expired, though it was remembered', () => {
    const verifier = verifierOf(ed);
    const token = ed.token({ ...CLAIMS, exp: now + 5 });
    expect([accepts(verifier, token), accepts(verifier, token)]).toEqual([true, true]);
    jest.useFakeTimers({ now: (now + 6) * 1000 });
    expect(accepts(verifier, token)).toBe(false);
  });

  it('ends after a minute, though the token is in force', () => {
    const known = new VerifiedTokens<string>();
    jest.useFakeTimers({ now: 0 });
    known.add('token', 'alice', 3_600);
    jest.setSystemTime(60_000);
    expect(known.find('token')).toBe('alice');
    jest.setSystemTime(60_001);
    expect(known.find('token')).toBeUndefined();
  });

  it('holds at most 10,000, and always the last ones, when 20,000 different ones come', () => {
    const known = new VerifiedTokens<number>();
    const sizes = Array.from({ length: 20_000 }, (_, index) => {
      known.add(`token ${index}`, index, now + 600);
      return known.size;
    });
    expect(Math.max(...sizes)).toBe(10_000);
    expect([known.find('token 19999'), known.find('token 15000'), known.find('token 0')]).toEqual([
      19_999,
      15_000,
      undefined,
    ]);
  });

  it('keeps nothing of tokens that are refused', () => {
    const known = new VerifiedTokens<Caller>();
    const verifier = new TokenVerifier({ publicKeys: [ed.pem] }, known);
    const refused = [
      ...Array.from(
        { length: 1_000 },
        (_, index) => `${ed.token({ ...CLAIMS, sub: `${index}` }).slice(0, -8)}AAAAAAAA`,
      ),
      ...Array.from({ length: 1_000 }, (_, index) => `garbage.${index}.x`),
      ed.token(CLAIMS, { kid: '1' }),
      ed.token({ ...CLAIMS, role: 'root' }),
    ];
    expect(refused.filter((token) => accepts(verifier, token))).toEqual([]);
    expect(known.size).toBe(0);
    expect([accepts(verifier, ed.token(CLAIMS)), known.size]).toEqual([true, 1]);
  });

  it('is not done with secrets, whose tokens are as quickly checked', () => {
    const known = new VerifiedTokens<Caller>();
    expect(accepts(new TokenVerifier({ secrets: ['the-text'] }, known), byText('the-text'))).toBe(true);
    expect(known.size).toBe(0);
  });
});
