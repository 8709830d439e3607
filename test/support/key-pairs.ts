import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** One that signs access tokens, as whoever issues them has it. */
export interface TokenIssuer {
  readonly pem: string;
  /** The compact form. A header of its own may claim another algorithm than the one that signs; with RS512 it signs so. */
  token(claims: object, header?: object): string;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function issuer(alg: string, { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): TokenIssuer {
  const usual = alg === 'EdDSA' ? undefined : 'sha256';
  return {
    pem: pemOf(publicKey),
    token: (claims, header = {}) => {
      const input = `${encode({ alg, typ: 'JWT', ...header })}.${encode(claims)}`;
      const hash = 'alg' in header && header.alg === 'RS512' ? 'sha512' : usual;
      const signature = sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    },
  };
}

export const pemOf = (publicKey: KeyObject): string => publicKey.export({ type: 'spki', format: 'pem' }).toString();

export const edIssuer = (): TokenIssuer => issuer('EdDSA', generateKeyPairSync('ed25519'));
export const rsaIssuer = (): TokenIssuer => issuer('RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }));
export const ecIssuer = (): TokenIssuer => issuer('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }));
