import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Problem } from './problem.js';
import { INVALID_QUERY } from './problems.js';

const INVALID = new Problem(INVALID_QUERY, 'The cursor is not one that you were given.', {
  errors: [{ pointer: '/cursor', detail: 'is not a cursor of this list' }],
});

/**
 * Where a reader of a list has come to, sealed: a cursor that was altered, or was given to somebody else, is refused.
 * Whoever knows the secrets could make one, and would see no more by it: a list holds what its caller may see anyway.
 */
export class SignedCursor {
  readonly #keys: Buffer[];

  /** @param secrets of whatever purpose: the keys are derived from them, and rotate with them. */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'stampede cursor', 32)));
  }

  seal(owner: string, position: string): string {
    return this.#write(this.#keys[0] as Buffer, owner, position);
  }

  /** @throws Problem `invalid-query` */
  open(owner: string, cursor: string): string {
    const position = Buffer.from(cursor.split('.', 1)[0] as string, 'base64url').toString();
    const given = Buffer.from(cursor);
    const isOurs = this.#keys.some((key) => {
      const wanted = Buffer.from(this.#write(key, owner, position)); // the text, not its bytes: base64 has several spellings for the same ones
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
    if (!isOurs) throw INVALID;
    return position;
  }

  #write(key: Buffer, owner: string, position: string): string {
    const signature = createHmac('sha256', key).update(`${owner}\n${position}`).digest('base64url');
    return `${Buffer.from(position).toString('base64url')}.${signature}`;
  }
}
