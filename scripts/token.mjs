/**
 * `npm run token -- --sub alice [--role admin] [--ttl 1h]`: prints a signed token.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { CLONE, EXIT_CONFIGURATION, giveUp, prepare, PrepareError } from './prepare.mjs';
import { readTokenKey } from './token-key.mjs';

const USAGE = 'npm run token -- --sub alice [--role buyer|admin] [--ttl 30s|15m|1h|7d]';
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The alphabet and length of the API's `sub`. */
const SUB = /^[A-Za-z0-9._:@|-]{1,64}$/;

async function main() {
  const request = readRequest();
  await prepare();
  const { signToken } = await import('../dist/launcher/sign-token.js');
  const { directoryOf } = await import('../dist/launcher/launch-settings.js');
  const key = await readTokenKey(directoryOf(process.env.STAMPEDE_DIR, CLONE));
  process.stdout.write(`${signToken(key, request)}\n`);
}

function readRequest() {
  const options = {
    sub: { type: 'string' },
    role: { type: 'string', default: 'buyer' },
    ttl: { type: 'string', default: '1h' },
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw mistake(`${error.message.split('\n')[0]} (${USAGE})`);
  }
  const { sub = '', role, ttl } = values;
  if (!SUB.test(sub)) throw mistake(`--sub must be 1 to 64 of A-Z a-z 0-9 . _ : @ | - (${USAGE})`);
  if (role !== 'buyer' && role !== 'admin') throw mistake(`--role must be buyer or admin (${USAGE})`);
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(ttl) ?? [];
  if (!Number(count)) throw mistake(`--ttl must be a number with s, m, h or d (${USAGE})`);
  return { sub, role, ttlSeconds: Number(count) * SECONDS[unit] };
}

function mistake(message) {
  return new PrepareError(message, EXIT_CONFIGURATION);
}

await main().catch(giveUp);
