import { generateKeyPairSync } from 'node:crypto';
import { loadSettings } from '../../src/config/load-settings.js';
import { environment, mistakesOf, SECRET } from '../support/environment.js';
import { ecIssuer, edIssuer, pemOf, rsaIssuer } from '../support/key-pairs.js';

const ed = edIssuer().pem;
const withKey = (key: string | undefined) => ({ JWT_SECRET: undefined, JWT_PUBLIC_KEY: key });

describe('the settings of keys', () => {
  it.each([
    ['Ed25519', ed],
    ['RSA of 2048 bits', rsaIssuer().pem],
    ['P-256', ecIssuer().pem],
    ['with \\n for line breaks', ed.replaceAll('\n', '\\n')],
    ['without a last line break', ed.trim()],
    ['with the line breaks of Windows', ed.replaceAll('\n', '\r\n')],
  ])('take a public key: %s', (_, key) => {
    expect(mistakesOf(withKey(key))).toEqual([]);
  });

  it('take several public keys, one after another', () => {
    const rsa = rsaIssuer().pem;
    const keys = loadSettings(environment(withKey(`${ed}${rsa}`))).JWT_PUBLIC_KEY ?? [];
    expect(keys.map((key) => key.trim())).toEqual([ed.trim(), rsa.trim()]);
  });

  it('name both variables when neither is set, and when both are', () => {
    expect(mistakesOf({ JWT_SECRET: undefined })).toEqual(['JWT_SECRET: is required, or JWT_PUBLIC_KEY in its place']);
    expect(mistakesOf({ JWT_SECRET: SECRET, JWT_PUBLIC_KEY: ed })).toEqual([
      'JWT_SECRET: must not be set beside JWT_PUBLIC_KEY: unset one of them',
    ]);
  });

  const { privateKey } = generateKeyPairSync('ed25519');
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  it.each([
    ['a private key', privatePem],
    ['a private key behind a public one', `${ed}${privatePem}`],
    ['a secret', SECRET],
    ['RSA of 1024 bits', pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
    ['RSA for PSS only', pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey)],
    ['a curve that is not P-256', pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
    ['a key that signs nothing', pemOf(generateKeyPairSync('x25519').publicKey)],
    ['half a key', ed.replace(/M[^\n]{20}/, '')],
    ['a good one beside a bad one', `${ed}${ed.replace(/M[^\n]{20}/, '')}`],
    ['text before a key', `key: ${ed}`],
  ])('refuse as JWT_PUBLIC_KEY %s, in one line without its value', (_, key) => {
    expect(mistakesOf(withKey(key))).toEqual([
      'JWT_PUBLIC_KEY: must be public keys in PEM (BEGIN PUBLIC KEY), each Ed25519, P-256, or RSA of at least 2048 bits',
    ]);
  });
});
