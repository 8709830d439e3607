import { SignedCursor } from '../../src/platform/http/signed-cursor.js';

describe('a signed cursor', () => {
  const cursors = new SignedCursor(['secret one', 'secret two']);
  const cursor = cursors.seal('alice', 'position');

  it('opens for the one it was given to, also after the secrets were rotated', () => {
    expect(cursors.open('alice', cursor)).toBe('position');
    expect(new SignedCursor(['secret three', 'secret one']).open('alice', cursor)).toBe('position');
  });

  it.each([
    ['somebody else', 'bob', cursor],
    ['an altered position', 'alice', `x${cursor}`],
    ['an altered signature', 'alice', cursor.slice(0, -2)],
    ['a third part', 'alice', `${cursor}.junk`],
    ['other characters for the same position', 'alice', cursor.replace('.', '=.')],
    ['another last character for the same signature', 'alice', respelt(cursor)],
    ['no signature', 'alice', cursor.split('.')[0] ?? ''],
    ['nothing', 'alice', ''],
  ])('is refused from %s', (_, owner, given) => {
    expect(() => cursors.open(owner, given)).toThrow('not one that you were given');
  });

  it('is refused when another secret signed it', () => {
    expect(() => new SignedCursor(['another']).open('alice', cursor)).toThrow('not one that you were given');
  });
});

/** The last character of 32 bytes in base64 carries four bits of them and two that are ignored. */
function respelt(cursor: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return cursor.slice(0, -1) + alphabet.charAt(alphabet.indexOf(cursor.slice(-1)) + 1);
}
