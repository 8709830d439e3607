import { z } from 'zod';
import { algorithmOf } from '../platform/http/public-key.js';

/** The forms that a variable of the environment may have. A message never shows the value. */

const SECRET_BYTES_MIN = 32;

/** Decimal digits alone: `0x10`, `1e3` and `1.0` are what somebody mistyped. */
export function int(min: number, max: number) {
  const error = `must be an integer from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
}

export const url = (...protocols: string[]) =>
  z
    .string({ error: `is required, such as ${protocols[0] ?? ''}//… (\`npm start\` brings its own)` })
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must begin with ${protocols[0] ?? ''}//`,
    );

/** Comma-separated. */
export const secrets = z
  .string({ error: 'is required' })
  .transform((text) => text.split(',').map((secret) => secret.trim()))
  .refine(
    (all) => all.every(isStrong),
    `must be secrets of at least ${SECRET_BYTES_MIN} bytes, comma-separated, and no defaults`,
  );

/** A key in PEM is no secret: whoever has the public one could sign with it. */
const isStrong = (secret: string) =>
  Buffer.byteLength(secret) >= SECRET_BYTES_MIN && !/change.?me|-----BEGIN/i.test(secret);

/** PEM, one after another. */
export const publicKeys = z
  .string()
  .transform((text) =>
    text
      .replaceAll('\\n', '\n')
      .trim()
      .split(/\s+(?=-----BEGIN )/),
  )
  .refine(
    (all) => all.every((pem) => algorithmOf(pem) !== undefined),
    'must be public keys in PEM (BEGIN PUBLIC KEY), each Ed25519, P-256, or RSA of at least 2048 bits',
  );
