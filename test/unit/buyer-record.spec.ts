import { parseBuyerRecord } from '../../src/stock/buyer-record.js';

const ID = '01a1fdb8-6b59-7624-85f8-2493e17e04cf';

describe("a buyer's record", () => {
  it('has no orders when its buyer has none', () => {
    expect(parseBuyerRecord('')).toEqual({ held: 0, orders: [] });
    expect(parseBuyerRecord('0;')).toEqual({ held: 0, orders: [] });
  });

  it('has everything that is needed to store an order again', () => {
    expect(parseBuyerRecord(`2;key-1 ${ID} 2 held 1000000000007 1700000000123;`)).toEqual({
      held: 2,
      orders: [
        {
          idempotencyKey: 'key-1',
          orderId: ID,
          quantity: 2,
          releasedVersion: undefined,
          version: 1_000_000_000_007,
          decidedAtMs: 1_700_000_000_123,
        },
      ],
    });
  });

  it('tells released orders from held ones, also when a key is called "held"', () => {
    const record = parseBuyerRecord(`3;held ${ID} 2 1000000000009 1000000000007 1;k ${ID} 3 held 1000000000008 2;`);

    expect(record.held).toBe(3);
    expect(record.orders.map(({ releasedVersion }) => releasedVersion)).toEqual([1_000_000_000_009, undefined]);
    expect(record.orders.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['held', 'k']);
  });

  it('keeps versions of late epochs exact', () => {
    const [order] = parseBuyerRecord(`1;k ${ID} 1 9000000000000003 9000000000000001 1;`).orders;

    expect(order).toMatchObject({ version: 9_000_000_000_000_001, releasedVersion: 9_000_000_000_000_003 });
  });
});
