import { createSigner, createVerifier, TokenError } from 'fast-jwt';
import { Problem } from './problem.js';
import { INVALID_TOKEN, UNAUTHENTICATED } from './problems.js';
import { algorithmOf, type SignatureAlgorithm } from './public-key.js';
import { VerifiedTokens } from './verified-tokens.js';

/** Who may call a route. */
export type Role = 'buyer' | 'admin';

/** Who calls: taken from a verified token, never from anything else in the request. */
export interface Caller {
  /** The claim `sub`: 1–64 of `A-Z a-z 0-9 . _ : @ | -`. */
  readonly subject: string;
  readonly role: Role;
}

/** How tokens are verified: by shared secrets (HS256), or by public keys (PEM, SPKI), each of which has its own algorithm. */
export type TokenRules = (
  | { readonly secrets: readonly string[]; readonly publicKeys?: undefined }
  | { readonly secrets?: undefined; readonly publicKeys: readonly string[] }
) & { readonly issuer?: string; readonly audience?: string };

/** A token of ours has about 150 characters; what is much longer is refused before anybody decodes it. */
const TOKEN_LENGTH_MAX = 4096;

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

const NOT_BY_THIS_KEY: ReadonlySet<string> = new Set([
  TokenError.codes.invalidSignature,
  TokenError.codes.invalidAlgorithm,
]);

/**
 * Verifies bearer tokens.
 *
 * Promises:  a caller is returned only for a signed token that is in force, has `sub` and `exp`, names no key id and no critical header.
 * Does not:  say which of these rules a token breaks; that would only help whoever forges one.
 */
export class TokenVerifier {
  readonly #verifiers: readonly Verify[];
  readonly #known: VerifiedTokens<Caller> | undefined;

  /** @param known is used with public keys only: a secret takes 7 µs to check (`npm run bench:tokens`), of which little would be saved. */
  constructor(rules: TokenRules, known = new VerifiedTokens<Caller>()) {
    const common = {
      complete: true,
      requiredClaims: ['sub', 'exp', ...(rules.issuer ? ['iss'] : []), ...(rules.audience ? ['aud'] : [])],
      ...(rules.issuer && { allowedIss: rules.issuer }),
      ...(rules.audience && { allowedAud: rules.audience }),
    };
    const keys = rules.publicKeys
      ? rules.publicKeys.map(keyOf)
      : rules.secrets.map((key) => ({ key, algorithms: ['HS256' as const] }));
    if (keys.length === 0) throw new Error('Bug: a TokenVerifier without any key would refuse everybody');
    this.#verifiers = keys.map((each) => createVerifier({ ...common, ...each }) as unknown as Verify);
    this.#known = rules.publicKeys && known;
  }

  /** The caller named by an `Authorization` header. Throws a Problem: unauthenticated without a bearer token, else invalid-token. */
  verify(authorization: string | undefined): Caller {
    const token = bearerToken(authorization);
    return this.#known?.find(token) ?? this.#check(token);
  }

  #check(token: string): Caller {
    if (token.length > TOKEN_LENGTH_MAX) throw BAD_TOKEN;
    const { header, payload } = this.#decode(token);
    if ('kid' in header || 'crit' in header) throw BAD_TOKEN; // no key ids are configured, no extension is understood
    const { sub, role = 'buyer', exp } = payload;
    if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw BAD_TOKEN;
    if (role !== 'buyer' && role !== 'admin') throw BAD_TOKEN;
    const caller: Caller = { subject: sub, role };
    this.#known?.add(token, caller, exp as number);
    return caller;
  }

  /** Any key may have signed: of a token that is not signed by one, the next one is asked. */
  #decode(token: string): DecodedToken {
    for (const verify of this.#verifiers) {
      try {
        return verify(token);
      } catch (error) {
        if (!NOT_BY_THIS_KEY.has((error as TokenError).code)) break;
      }
    }
    throw BAD_TOKEN;
  }
}

function keyOf(publicKey: string): { key: string; algorithms: SignatureAlgorithm[] } {
  const algorithm = algorithmOf(publicKey);
  if (algorithm === undefined) throw new Error('Bug: a public key that tokens cannot be verified by');
  return { key: publicKey, algorithms: [algorithm] };
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
