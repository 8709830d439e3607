import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Problem } from './problem.js';
import { INVALID_QUERY } from './problems.js';

const INVALID = new Problem(INVALID_QUERY, 'The cursor is not one that you were given.', {
  errors: [{ pointer: '/cursor', detail: 'is not a cursor of this list' }],
});

/**
 * Where a reader of a list has come to, sealed: a cursor that was altered, or was given to somebody else, is refused.
 * The keys are derived from the secrets of the tokens, so they rotate with them.
 */
export class SignedCursor {
  readonly #keys: Buffer[];

  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'stampede cursor', 32)));
  }

  seal(owner: string, position: string): string {
    return `${Buffer.from(position).toString('base64url')}.${this.#sign(this.#keys[0] as Buffer, owner, position).toString('base64url')}`;
  }

  /** @throws Problem `invalid-query` */
  open(owner: string, cursor: string): string {
    const [encoded = '', signature = ''] = cursor.split('.');
    const position = Buffer.from(encoded, 'base64url').toString();
    const given = Buffer.from(signature, 'base64url');
    const isOurs = this.#keys.some((key) => {
      const wanted = this.#sign(key, owner, position);
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
    if (!isOurs) throw INVALID;
    return position;
  }

  #sign(key: Buffer, owner: string, position: string): Buffer {
    return createHmac('sha256', key).update(`${owner}\n${position}`).digest();
  }
}
