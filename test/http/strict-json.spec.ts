import fc from 'fast-check';
import { Problem, problemType, problemTypes } from '../../src/platform/http/problem.js';
import { MALFORMED_JSON } from '../../src/platform/http/problems.js';
import { parseStrictJson } from '../../src/platform/http/strict-json.js';

const parse = (text: string): unknown => parseStrictJson(Buffer.from(text));

describe('strict JSON', () => {
  it('is read like JSON.parse reads it, for every value without NUL, half characters, dangerous keys and depth', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\\u0000|\\ud[89a-f]|__proto__|constructor/i.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('is refused when any key of any object is written twice', () => {
    const key = fc
      .string({ minLength: 1 })
      .filter((text) => text.isWellFormed() && !text.includes('\0') && text !== '__proto__');
    fc.assert(
      fc.property(key, fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }), (name, one, other) => {
        const object = `{${JSON.stringify(name)}:${JSON.stringify(one)},${JSON.stringify(name)}:${JSON.stringify(other)}}`;
        for (const text of [object, `[${object}]`, `{"outer":{"inner":${object}}}`]) {
          expect(() => parse(text)).toThrow(Problem);
        }
      }),
    );
  });

  it('is not confused by colons, braces and quotes inside strings', () => {
    const value = { 'a":{"b': ':::"{[', c: ['\\', '\\":"', '}'] };
    expect(parse(JSON.stringify(value))).toEqual(value);
  });

  it('is refused when a key is written twice, once in escapes', () => {
    expect(() => parse('{"a":1,"\\u0061":2}')).toThrow('twice');
  });

  it.each([
    ['nothing', ''],
    ['white space', ' '],
    ['an object within an object with __proto__', '{"a":{"b":{"__proto__":null}}}'],
    ['a NUL in a key', '{"\\u0000":1}'],
    ['half a surrogate pair in a list', '["\\udc00"]'],
    ['33 levels', '['.repeat(33) + ']'.repeat(33)],
    ['200,000 levels', '['.repeat(200_000) + ']'.repeat(200_000)],
  ])('is refused when it is %s', (_name, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ type: MALFORMED_JSON }) as Error);
  });

  it('may nest 32 levels, and a constructor that is only a word is allowed', () => {
    expect(parse('['.repeat(32) + ']'.repeat(32))).toBeDefined();
    expect(parse('{"constructor":"Ford","prototype":"T"}')).toEqual({ constructor: 'Ford', prototype: 'T' });
  });
});

describe('a problem type', () => {
  it('is declared once', () => {
    const type = problemType('once-only', 409, { title: 'Only once', when: 'Here.', next: 'Go on.' });
    expect(problemTypes()).toContain(type);
    expect(() => problemType('once-only', 410, { title: 'Twice', when: 'Here.', next: 'Go on.' })).toThrow(
      'declared twice',
    );
  });

  it('has a body per request that differs in nothing but the id', () => {
    const problem = new Problem(MALFORMED_JSON, 'Say "please".');
    expect(JSON.parse(problem.body('a-1'))).toEqual({ ...JSON.parse(problem.body('b-2')), instance: 'a-1' });
    expect(problem.stack).not.toContain(' at ');
  });
});
