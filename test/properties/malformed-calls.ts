import fc from 'fast-check';

/** What a number must not be, though `tonumber` or a careless pattern would take it. */
const BAD_UNITS = [
  '0',
  '-1',
  '1.5',
  '0x10',
  'nan',
  'inf',
  '1e3',
  '',
  '1000',
  ' 1',
  '1 ',
  '01',
  '+1',
  '١',
  '1\n',
  '1\0',
];

/** Each would break the record of its buyer, or could not be read from the stream. */
const BAD_BUYERS = ['', ' ', 'a b', 'a;b', ';', 'a\n', 'a\0b', 'ä', '"a"', 'a/b', '{a}', '*', '%w', 'x'.repeat(65)];
const BAD_KEYS = [...BAD_BUYERS, 'a:b', 'a@b', 'a|b'];
const BAD_UUIDS = [
  ...BAD_BUYERS,
  '1',
  '-',
  '00000000-0000-7000-8000-00000000000',
  '00000000-0000-7000-8000-0000000000000',
  '00000000000070008000000000000000',
  '00000000-0000-7000-8000-00000000000A',
  '00000000-0000-7000-8000-00000000000g',
  '------------------------------------',
];

/** A call of some requests, of which one argument is malformed or some at the end are missing. */
export interface MalformedCall {
  requests: number;
  wrong: { position: 'sale' | number; value: string } | { missing: number };
}

const FIELDS = 4;
const requests = fc.integer({ min: 1, max: 8 });

/** @param field 0 order id, 1 buyer, 2 idempotency key, 3 units. */
const badField = (field: number, values: string[]): fc.Arbitrary<MalformedCall> =>
  fc.record({ requests, nth: fc.nat(), value: fc.constantFrom(...values) }).map(({ requests: count, nth, value }) => ({
    requests: count,
    wrong: { position: (nth % count) * FIELDS + field, value },
  }));

export const malformedCalls: fc.Arbitrary<MalformedCall> = fc.oneof(
  badField(0, BAD_UUIDS),
  badField(1, BAD_BUYERS),
  badField(2, BAD_KEYS),
  badField(3, BAD_UNITS),
  fc.record({ requests, wrong: fc.record({ position: fc.constant('sale'), value: fc.constantFrom(...BAD_UUIDS) }) }),
  fc.record({ requests, wrong: fc.record({ missing: fc.integer({ min: 1, max: FIELDS - 1 }) }) }),
);

/** Nothing seen, and room for everything. */
const UNLIMITED = ['0', '', '1000000000000'];

/** The arguments of the script. Without what is wrong each request would be accepted. */
export function argumentsOf({ requests: count, wrong }: MalformedCall, saleId: string): string[] {
  const fields = Array.from({ length: count }, (_, n) => wellFormed(n)).flat();
  if ('missing' in wrong) return [saleId, ...UNLIMITED, ...fields.slice(0, -wrong.missing)];
  if (wrong.position === 'sale') return [wrong.value, ...UNLIMITED, ...fields];
  return [saleId, ...UNLIMITED, ...fields.with(wrong.position, wrong.value)];
}

/** As long as can be stored. */
const wellFormed = (n: number): string[] => [
  `abcdef09-2345-7678-9abc-${String(n).padStart(12, '0')}`,
  `auth0|b_${n}@c.d:e-`.padEnd(64, 'X'),
  `k.${n}_-`.padEnd(64, 'Z'),
  ['1', '9', '10', '99', '100', '999', '7', '42'][n] ?? '',
];
