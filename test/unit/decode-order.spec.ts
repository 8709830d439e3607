import { decodeOrder } from '../../src/order-stream/accepted-order.js';

const ENTRY = {
  v: '1',
  order: '01a1fdb8-6b59-7624-85f8-2493e17e04cf',
  sale: '01a1fdb8-6b59-7624-85f8-2493e17e04d0',
  buyer: 'auth0|ann.B_c:d@e-f',
  key: 'Key-1.2_3',
  units: '999',
  version: '9000000000000001',
  at: '1700000000123',
};

type Field = keyof typeof ENTRY;

/** Name and value by turns, as Redis has it. */
const entry = (changes: Partial<Record<Field, string>> = {}): string[] =>
  Object.entries({ ...ENTRY, ...changes }).flat();

const decode = (changes: Partial<Record<Field, string>>) => decodeOrder(entry(changes));

describe('decoding an entry of the stream', () => {
  it('gives the order when every field is as the reserve script writes it', () => {
    expect(decodeOrder(entry())).toEqual({
      order: {
        orderId: ENTRY.order,
        saleId: ENTRY.sale,
        buyer: ENTRY.buyer,
        idempotencyKey: ENTRY.key,
        quantity: 999,
        version: 9_000_000_000_000_001,
        decidedAtMs: 1_700_000_000_123,
      },
    });
  });

  it.each<[Field, string]>([
    ['buyer', 'b'.repeat(64)],
    ['key', 'k'.repeat(64)],
    ['units', '1'],
    ['version', '1'],
    ['at', '1'],
  ])('takes the shortest and the longest %s there can be: %s', (field, value) => {
    expect(decode({ [field]: value })).toHaveProperty('order');
  });

  it.each<[Field, string]>([
    ['v', '2'],
    ['v', ''],
    ['v', '01'],
    ['order', 'no-uuid'],
    ['order', ENTRY.order.toUpperCase()],
    ['order', `${ENTRY.order}0`],
    ['order', ENTRY.order.replaceAll('-', '')],
    ['sale', `${ENTRY.sale}\n`],
    ['sale', `{${ENTRY.sale}}`],
    ['buyer', ''],
    ['buyer', 'a b'],
    ['buyer', 'a;b'],
    ['buyer', 'a\0b'],
    ['buyer', 'ä'],
    ['buyer', 'b'.repeat(65)],
    ['key', ''],
    ['key', 'a\nb'],
    ['key', 'a\0b'],
    ['key', 'a:b'],
    ['units', 'abc'],
    ['units', '-1'],
    ['units', '0'],
    ['units', '1e99'],
    ['units', '1.5'],
    ['units', '0x10'],
    ['units', '1000'],
    ['units', ' 1'],
    ['units', '1\n'],
    ['units', ''],
    ['version', '0'],
    ['version', '-1'],
    ['version', '1e15'],
    ['version', '90000000000000010'],
    ['at', '0'],
    ['at', 'now'],
    ['at', '17000000001230000'],
  ])('calls the entry unreadable when its field %s is %j, and says which', (field, value) => {
    expect(decode({ [field]: value })).toEqual({ unreadableBecause: `field '${field}' is malformed` });
  });

  it.each<[string, string[] | null, string]>([
    ['it was deleted', null, 'the entry was deleted before it was stored'],
    ['it is empty', [], 'it has 0 fields'],
    ['a field is missing', entry().slice(2), 'it has 7 fields'],
    ['it has a field too many', [...entry(), 'more', '1'], 'it has 9 fields'],
    ['its count is odd', entry().slice(0, -1), 'it has 7.5 fields'],
    ['a field has a megabyte', entry({ key: 'x'.repeat(1_000_000) }), "field 'key' is malformed"],
    ['a field has another name', entry().with(4, 'offer'), "field 3 is not 'sale'"],
    ['its fields are in another order', [...entry().slice(2), ...entry().slice(0, 2)], "field 1 is not 'v'"],
  ])('calls the entry unreadable when %s', (_, fields, unreadableBecause) => {
    expect(decodeOrder(fields)).toEqual({ unreadableBecause });
  });
});
