import { hmac } from 'k6/crypto';
import { b64encode } from 'k6/encoding';
import { JWT } from './settings.ts';

/** Longer than any buyer stays; a token is made when its buyer comes. */
const TTL_SECONDS = 6 * 60 * 60;

const HEADER = b64encode(JSON.stringify({ alg: 'HS256', typ: 'JWT' }), 'rawurl');

/** Somebody with a token of their own. */
export interface Buyer {
  /** 1 to 64 of A-Z a-z 0-9 . _ : @ | - */
  name: string;
  token: string;
}

export function newBuyer(name: string): Buyer {
  return { name, token: signToken(name, 'buyer') };
}

/** For what only an operator may see. */
export function operatorToken(): string {
  return signToken('load-test', 'admin');
}

/** An HS256 token (RFC 7519) as a login service would hand it out. */
function signToken(sub: string, role: 'buyer' | 'admin'): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub, role, iss: JWT.issuer, aud: JWT.audience, iat: now, exp: now + TTL_SECONDS };
  const signed = `${HEADER}.${b64encode(JSON.stringify(claims), 'rawurl')}`;
  return `${signed}.${hmac('sha256', JWT.secret, signed, 'base64rawurl')}`;
}
