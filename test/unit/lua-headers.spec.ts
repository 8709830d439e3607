import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readScript } from '../../src/platform/redis/lua-script.js';

const SRC = join(__dirname, '../../src');
const read = (path: string) => readScript(pathToFileURL(join(SRC, path)));

/** What is included by others has no header of its own. */
const scripts = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.lua') && read(path).startsWith('#!lua\n'))
  .sort();

const found = (text: string, pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, match]) => match))];

/** `KEYS[1]`, `ARGV[2]`, and `ARGV[5…]` for that one and all behind it. */
const documentedSlots = (header: string) => found(header, /^((?:KEYS|ARGV)\[\d+…?\])/gm);

function usedSlots(body: string): unknown[] {
  const one = found(body, /((?:KEYS|ARGV)\[\d+\])/g);
  const rest = [...body.matchAll(/= (\d+), #ARGV/g)].map(([, first]) => `ARGV[${first}…]`);
  return [...one, ...rest];
}

const documentedOutcomes = (header: string) => found(header, /^ {2}([A-Z][A-Z_]+) {2,}\S/gm);

/** What stands between two parentheses, with up to that many more inside one another. */
const inParentheses = (depth: number): string =>
  depth === 0 ? '[^()]*' : `[^()]*(?:\\(${inParentheses(depth - 1)}\\)[^()]*)*`;

const REDIS_CALL = new RegExp(`redis\\.call\\(${inParentheses(3)}\\)`, 'g');

/** Words in capitals that are not said to Redis. */
const returnedOutcomes = (body: string) => found(body.replace(REDIS_CALL, ''), /'([A-Z][A-Z_]+)'/g);

const without = (some: unknown[], others: unknown[]) => some.filter((one) => !others.includes(one));

/** @returns one line for each thing that the header and the body do not agree on. */
function disagreements(script: string): string[] {
  const [, header, code] = /^#!lua\n--\[\[(.*?)\]\]\n(.*)$/s.exec(script) ?? [];
  if (header === undefined || code === undefined) return ['it has no header'];
  const body = code.replace(/--.*$/gm, '');
  const documented = [...documentedSlots(header), ...documentedOutcomes(header)];
  const used = [...usedSlots(body), ...returnedOutcomes(body)];
  return [
    ...without(documented, used).map((it) => `${String(it)} is documented and not used`),
    ...without(used, documented).map((it) => `${String(it)} is used and not documented`),
  ];
}

describe('the header of a script', () => {
  it.each(scripts)('of %s documents every key, argument and outcome that it uses, and no other', (path) => {
    expect(disagreements(read(path))).toEqual([]);
  });

  it('is looked for in all scripts', () => {
    expect(scripts).toEqual(expect.arrayContaining(['stock/reserve-stock.lua', 'order-stream/trim-orders.lua']));
  });

  it.each([
    ['an outcome is missing in it', /^ {2}SOLD_OUT .*\n/m, '', 'SOLD_OUT is used and not documented'],
    [
      'it has an outcome that is never returned',
      "return { 'SOLD_OUT' }",
      'return nil',
      'SOLD_OUT is documented and not used',
    ],
    [
      'it has an argument that is not used',
      'ARGV[3]   run id',
      'ARGV[3]  clock\nARGV[0]  run id',
      'ARGV[0] is documented and not used',
    ],
    ['a key is missing in it', /^KEYS\[4\].*\n/m, '', 'KEYS[4] is used and not documented'],
    [
      'the requests begin elsewhere',
      'for i = 5, #ARGV, 4',
      'for i = 6, #ARGV, 4',
      'ARGV[5…] is documented and not used',
    ],
  ])('is wrong when %s', (_, from, to, mistake) => {
    const script = read('stock/reserve-stock.lua');
    const wrong = script.replace(from, () => to);

    expect(wrong).not.toBe(script);
    expect(disagreements(wrong)).toContain(mistake);
  });

  it('is missed when there is none', () => {
    expect(disagreements("#!lua\nreturn 'DONE'")).toEqual(['it has no header']);
  });
});
