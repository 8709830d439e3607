import { createSigner } from 'fast-jwt';

export interface TokenRequest {
  sub: string;
  role?: 'buyer' | 'admin' | undefined;
  ttlSeconds: number;
}

/** What signs tokens here; as the API reads it from the environment. */
export interface TokenKey {
  /** One secret, or several separated by commas: the first signs. */
  secrets: string;
  issuer?: string | undefined;
  audience?: string | undefined;
}

/** A signed HS256 token as the API accepts it. `role` is written for admins only: buyer is the default. */
export function signToken({ secrets, issuer, audience }: TokenKey, { sub, role, ttlSeconds }: TokenRequest): string {
  const [secret = ''] = secrets.split(',');
  const now = Math.floor(Date.now() / 1000);
  const sign = createSigner({ key: secret.trim(), algorithm: 'HS256' });
  return sign({
    sub,
    ...(role === 'admin' && { role }),
    ...(issuer && { iss: issuer }),
    ...(audience && { aud: audience }),
    iat: now,
    exp: now + ttlSeconds,
  });
}
