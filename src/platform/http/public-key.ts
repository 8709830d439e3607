import { createPublicKey, type KeyObject } from 'node:crypto';

/** RFC 7518 §3.3. */
const RSA_BITS_MIN = 2048;

/** One public key and nothing else: of a private one, `createPublicKey` would make a public one without a word. */
const PEM = /^-----BEGIN PUBLIC KEY-----[\sA-Za-z0-9+/=]+-----END PUBLIC KEY-----\s*$/;

export type SignatureAlgorithm = 'EdDSA' | 'RS256' | 'ES256';

/**
 * How tokens of a key are signed: its kind decides, never what a token says of itself.
 *
 * @param pem SPKI.
 * @returns undefined for what is no public key, or one that tokens should not be signed with.
 */
export function algorithmOf(pem: string): SignatureAlgorithm | undefined {
  const key = readKey(pem);
  const { namedCurve, modulusLength = 0 } = key?.asymmetricKeyDetails ?? {};
  if (key?.asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (key?.asymmetricKeyType === 'rsa' && modulusLength >= RSA_BITS_MIN) return 'RS256';
  if (key?.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256';
  return undefined;
}

function readKey(pem: string): KeyObject | undefined {
  if (!PEM.test(pem)) return undefined;
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}
