/** What tokens are signed with here: by `npm run token`, and by the load tests for their buyers. */
import process from 'node:process';
import { EXIT_CONFIGURATION, PrepareError } from './prepare.mjs';

/**
 * JWT_SECRET, else the secret of the data directory (made by the first `npm start`), with issuer and audience. Throws a
 * PrepareError when there is neither, or when tokens are signed elsewhere. Needs the compiled program.
 */
export async function readTokenKey(directory) {
  const { existingSecrets } = await import('../dist/launcher/launch-secrets.js');
  const { JWT_SECRET, JWT_PUBLIC_KEY, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = process.env;
  if (JWT_PUBLIC_KEY) {
    throw mistake('JWT_PUBLIC_KEY is set: tokens are signed by whoever has its private key. Unset it to sign here');
  }
  const secrets = JWT_SECRET || existingSecrets(directory).JWT_SECRET;
  if (!secrets) throw mistake('There is no secret to sign tokens with: run npm start once, or set JWT_SECRET');
  return { secrets, issuer, audience };
}

const mistake = (message) => new PrepareError(message, EXIT_CONFIGURATION);
