import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Writes a small file readable by its owner only; a crash leaves the old one or the new one, never half of it. */
export function writeWhole(file: string, content: string): void {
  const unfinished = `${file}.${process.pid}.new`;
  writeFileSync(unfinished, content, { mode: 0o600, flush: true });
  renameSync(unfinished, file);
}

/**
 * The random secret kept in `file`, made at the first call: 256 bits as 43 characters that need no escaping in a url.
 * As root the file is given to `owner`.
 */
export function keptSecret(file: string, owner?: { uid: number; gid: number }): string {
  if (!existsSync(file)) writeWhole(file, randomBytes(32).toString('base64url'));
  if (owner) chownSync(file, owner.uid, owner.gid);
  return readFileSync(file, 'utf8').trim();
}
