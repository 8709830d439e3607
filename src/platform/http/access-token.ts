import { createSigner, createVerifier, TokenError } from 'fast-jwt';
import { Problem } from './problem.js';
import { INVALID_TOKEN, UNAUTHENTICATED } from './problems.js';

/** Who may call a route. */
export type Role = 'buyer' | 'admin';

/** Who calls: taken from a verified token, never from anything else in the request. */
export interface Caller {
  /** The claim `sub`: 1–64 of `A-Z a-z 0-9 . _ : @ | -`. */
  readonly subject: string;
  readonly role: Role;
}

/** How tokens are verified: by shared secrets (HS256), or by one public key (PEM, SPKI), whose kind decides the algorithm. */
export type TokenRules = (
  | { readonly secrets: readonly string[]; readonly publicKey?: undefined }
  | { readonly secrets?: undefined; readonly publicKey: string }
) & { readonly issuer?: string; readonly audience?: string };

/** A token of ours has about 150 characters; what is much longer is refused before anybody decodes it. */
const TOKEN_LENGTH_MAX = 4096;

/**
 * A signature of a public key takes up to 100 µs to check, a look-up 5 µs. There is no cache for HS256, whose check costs about as much
 * as the look-up. A verified token stays in the cache until it expires, a minute at most.
 */
const PUBLIC_KEY_CACHE = { cache: 10_000, cacheTTL: 60_000 } as const;

const SUBJECT = /^[A-Za-z0-9._:@|-]{1,64}$/;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

const NO_TOKEN = new Problem(UNAUTHENTICATED, 'Send a token in the header `Authorization: Bearer …`.');
const BAD_TOKEN = new Problem(
  INVALID_TOKEN,
  'The token is malformed, expired, not yet valid or not signed by a key of this system.',
  {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  },
);

interface DecodedToken {
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
}

type Verify = (token: string) => DecodedToken;

/**
 * Verifies bearer tokens.
 *
 * Promises:  a caller is returned only for a signed token that is in force, has `sub` and `exp`, names no key id and no critical header.
 * Does not:  say which of these rules a token breaks; that would only help whoever forges one.
 */
export class TokenVerifier {
  readonly #verifiers: readonly Verify[];

  constructor(rules: TokenRules) {
    const common = {
      complete: true,
      requiredClaims: ['sub', 'exp', ...(rules.issuer ? ['iss'] : []), ...(rules.audience ? ['aud'] : [])],
      ...(rules.issuer && { allowedIss: rules.issuer }),
      ...(rules.audience && { allowedAud: rules.audience }),
    };
    const options = rules.secrets
      ? rules.secrets.map((key) => ({ ...common, key, algorithms: ['HS256' as const] }))
      : [{ ...common, key: rules.publicKey, ...PUBLIC_KEY_CACHE }];
    if (options.length === 0) throw new Error('Bug: a TokenVerifier without any key would refuse everybody');
    this.#verifiers = options.map((each) => createVerifier(each) as unknown as Verify);
  }

  /** The caller named by an `Authorization` header. Throws a Problem: unauthenticated without a bearer token, else invalid-token. */
  verify(authorization: string | undefined): Caller {
    const token = bearerToken(authorization);
    if (token.length > TOKEN_LENGTH_MAX) throw BAD_TOKEN;
    const { header, payload } = this.#decode(token);
    if ('kid' in header || 'crit' in header) throw BAD_TOKEN; // no key ids are configured, no extension is understood
    const { sub, role = 'buyer' } = payload;
    if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw BAD_TOKEN;
    if (role !== 'buyer' && role !== 'admin') throw BAD_TOKEN;
    return { subject: sub, role };
  }

  /** Any key may have signed; only a wrong signature is a reason to ask the next one. */
  #decode(token: string): DecodedToken {
    for (const verify of this.#verifiers) {
      try {
        return verify(token);
      } catch (error) {
        if ((error as TokenError).code !== TokenError.codes.invalidSignature) break;
      }
    }
    throw BAD_TOKEN;
  }
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) throw NO_TOKEN;
  if (authorization.length > 7 && authorization.startsWith('Bearer ') && authorization[7] !== ' ') {
    return authorization.slice(7);
  }
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw NO_TOKEN;
  return token;
}

export interface TokenClaims {
  readonly sub: string;
  readonly role?: Role;
  readonly ttlSeconds: number;
}

/** A token (HS256) that is valid from now on for `ttlSeconds`. */
export function signToken(secret: string, { sub, role, ttlSeconds }: TokenClaims): string {
  return createSigner({ key: secret, algorithm: 'HS256', expiresIn: ttlSeconds * 1000 })({
    sub,
    ...(role && { role }),
  });
}
