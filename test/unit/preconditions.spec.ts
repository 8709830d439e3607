import { hasAlready, readIfMatch } from '../../src/platform/http/preconditions.js';

describe('a client that has something already', () => {
  it.each([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"b", W/"a"', 'W/"a"', true],
    ['*', '"a"', true],
    ['"b"', '"a"', false],
    ['a', '"a"', false],
    ['', '"a"', false],
    [undefined, '"a"', false],
  ])('and sends If-None-Match: %s has %s: %s', (header, etag, expected) => {
    expect(hasAlready(header, etag)).toBe(expected);
  });
});

describe('a client that changes what it has read', () => {
  it.each([
    ['"3"', true],
    ['"2", "3"', true],
    [' * ', true],
    ['W/"3"', false],
    ['3', false],
    ['', false],
  ])('and sends If-Match: %s may change "3": %s', (header, expected) => {
    expect(readIfMatch(header)('"3"')).toBe(expected);
  });

  it('must send it', () => {
    expect(() => readIfMatch(undefined)).toThrow('If-Match');
  });
});
