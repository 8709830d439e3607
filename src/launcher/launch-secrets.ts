import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../platform/embedded/kept-files.js';

/** Random secrets of one data directory, made at its first start and kept: tokens outlive a restart. */
export interface KeptSecrets {
  JWT_SECRET: string;
  PAYMENT_WEBHOOK_SECRETS: string;
}

const FILE = 'secrets.json';

export function keptSecrets(directory: string): KeptSecrets {
  const kept = existingSecrets(directory);
  const secrets = { JWT_SECRET: random(), PAYMENT_WEBHOOK_SECRETS: random(), ...kept };
  if (Object.keys(kept).length < Object.keys(secrets).length) {
    writeWhole(join(directory, FILE), `${JSON.stringify(secrets, null, 2)}\n`);
  }
  return secrets;
}

/** Those made earlier; makes none. */
export function existingSecrets(directory: string): Partial<KeptSecrets> {
  const file = join(directory, FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<KeptSecrets>) : {};
}

/** 256 bits: as long as the hash that HS256 uses, more adds nothing (RFC 7518 §3.2). */
function random(): string {
  return randomBytes(32).toString('base64url');
}
