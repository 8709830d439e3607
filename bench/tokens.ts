import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { TokenVerifier, type TokenRules } from '../src/platform/http/access-token.js';

/**
 * What it takes to verify an access token, by the kind of key: of a buyer who comes for the first time, of one who comes again,
 * and of somebody who has no key. Each figure is the median of the rounds, which take turns.
 */
/** Fewer than a verifier remembers. */
const TOKENS = 4_000;
const ROUNDS = 9;
const SECRET = 'a secret of the benchmark that is long enough';

interface Kind {
  readonly algorithm: string;
  readonly rules: TokenRules;
  readonly signature: (input: string) => Buffer;
}

function ofKeys(algorithm: string, { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Kind {
  const hash = algorithm === 'EdDSA' ? undefined : 'sha256';
  return {
    algorithm,
    rules: { publicKeys: [publicKey.export({ type: 'spki', format: 'pem' }).toString()] },
    signature: (input) => sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}

const KINDS: Kind[] = [
  {
    algorithm: 'HS256',
    rules: { secrets: [SECRET] },
    signature: (input) => createHmac('sha256', SECRET).update(input).digest(),
  },
  ofKeys('EdDSA', generateKeyPairSync('ed25519')),
  ofKeys('RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })),
  ofKeys('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })),
];

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As they stand in a header. */
function bearers({ algorithm, signature }: Kind): string[] {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return Array.from({ length: TOKENS }, (_, index) => {
    const input = `${encode({ alg: algorithm, typ: 'JWT' })}.${encode({ sub: `buyer-${index}`, iat: exp - 3600, exp })}`;
    return `Bearer ${input}.${signature(input).toString('base64url')}`;
  });
}

/** Another first character of the signature: well-formed, and wrong. */
const forged = (bearer: string): string =>
  bearer.replace(/\.([\w-])([\w-]*)$/, (_, first: string, rest: string) => `.${first === 'A' ? 'B' : 'A'}${rest}`);

function usEach(given: readonly string[], verify: (bearer: string) => void): number {
  const startedAt = performance.now();
  for (const bearer of given) verify(bearer);
  return ((performance.now() - startedAt) * 1000) / given.length;
}

const subjects = KINDS.map((kind) => {
  const good = bearers(kind);
  return { kind, good, bad: good.map(forged), first: [] as number[], again: [] as number[], refused: [] as number[] };
});

for (let round = 0; round < ROUNDS; round++) {
  for (const { kind, good, bad, first, again, refused } of subjects) {
    const verifier = new TokenVerifier(kind.rules);
    first.push(usEach(good, (bearer) => verifier.verify(bearer)));
    again.push(usEach(good, (bearer) => verifier.verify(bearer)));
    refused.push(usEach(bad, (bearer) => mustThrow(() => verifier.verify(bearer))));
  }
}

function mustThrow(work: () => unknown): void {
  try {
    work();
  } catch {
    return;
  }
  throw new Error('a forged token was accepted');
}

const median = (figures: number[]): string => ([...figures].sort((a, b) => a - b)[ROUNDS >> 1] ?? NaN).toFixed(1);

console.log('| µs for each token | the first time | again | forged |');
console.log('| --- | ---: | ---: | ---: |');
for (const { kind, first, again, refused } of subjects) {
  console.log(`| ${kind.algorithm} | ${median(first)} | ${median(again)} | ${median(refused)} |`);
}
