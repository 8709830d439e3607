import { checkHistory, type Decided, type History, type Observed } from './history.js';

const BASE = 1_000_000_000_000;

const aRow = (row: Partial<Decided> & { orderId: string }): Decided => ({
  buyer: row.orderId,
  key: 'k',
  quantity: 1,
  version: BASE + 1,
  releasedVersion: null,
  status: 'pending_payment',
  ...row,
});

const anAnswer = (row: Decided, answer: Partial<Observed> = {}): Observed => ({
  buyer: row.buyer,
  key: row.key,
  quantity: row.quantity,
  sentAtMs: 1,
  answeredAtMs: 100,
  outcome: 'ok',
  orderId: row.orderId,
  version: row.version,
  ...answer,
});

const ann = aRow({ orderId: 'ann', version: BASE + 1 });
const bob = aRow({ orderId: 'bob', version: BASE + 2 });
/** Comes after ann's unit is back. */
const cid = aRow({ orderId: 'cid', version: BASE + 4 });
const annReleased = { ...ann, status: 'expired', releasedVersion: BASE + 3 };

const of = (decided: Decided[], history: Partial<History> = {}): History => ({
  total: 2,
  perUserLimit: 2,
  observed: decided.map((row) => anAnswer(row)),
  decided,
  namedLosses: [],
  ...history,
});

describe('checking a history', () => {
  it('finds nothing wrong with one in which a unit is sold, comes back and is sold again', () => {
    const refused: Observed = { buyer: 'dan', key: 'k', quantity: 1, sentAtMs: 1, answeredAtMs: 2, outcome: 'fail' };
    const observed = [...of([annReleased, bob, cid]).observed, anAnswer(cid, { sentAtMs: 200 }), refused];

    expect(checkHistory(of([annReleased, bob, cid], { observed }))).toEqual([]);
  });

  it('finds nothing wrong with an order whose every answer was lost', () => {
    const unknown = anAnswer(ann, { outcome: 'info', orderId: undefined, version: undefined, answeredAtMs: undefined });

    expect(checkHistory(of([ann], { observed: [unknown] }))).toEqual([]);
  });

  it('knows of adjustments', () => {
    const history = of([ann, bob], { total: 1 });

    expect(checkHistory(history)).toEqual([expect.stringMatching(/^G3 .* version 1000000000002 /)]);
    expect(
      checkHistory({ ...history, decided: [ann, cid], observed: [ann, cid].map((row) => anAnswer(row)) }),
    ).toHaveLength(1);
    expect(checkHistory(of([ann, cid], { total: 1, adjusted: [{ version: BASE + 2, delta: 1 }] }))).toEqual([]);
  });

  it.each<[string, string, History]>([
    ['G3', 'more units were held than there are', of([ann, bob, cid])],
    ['G3', 'a unit came back too late', of([{ ...annReleased, releasedVersion: BASE + 5 }, bob, cid])],
    [
      'G3',
      'the stock was lowered below what is held',
      of([ann, bob], { adjusted: [{ version: BASE + 3, delta: -1 }] }),
    ],
    [
      'G4',
      'a buyer held more than the limit',
      of([ann, aRow({ ...bob, buyer: 'ann', key: 'k2' })], { perUserLimit: 1 }),
    ],
    ['G6', 'an accepted order is not there', of([ann], { observed: [ann, bob].map((row) => anAnswer(row)) })],
    ['G7', 'an order was asked for by nobody', of([ann, bob], { observed: [anAnswer(ann)] })],
    ['G7', 'an order has another quantity', of([ann], { observed: [anAnswer(ann, { quantity: 2, outcome: 'info' })] })],
    ['G8', 'a key has two orders', of([ann, aRow({ ...bob, buyer: 'ann' })])],
    [
      'G8',
      'a key was answered two versions',
      of([ann], { observed: [anAnswer(ann), anAnswer(ann, { version: BASE })] }),
    ],
    [
      'G8',
      'an answer is another buyer’s',
      of([ann, bob], { observed: [anAnswer(ann), anAnswer(bob), anAnswer(ann, { buyer: 'bob' })] }),
    ],
    [
      'G10',
      'a refusal had an effect',
      of([ann], { observed: [anAnswer(ann, { outcome: 'fail', orderId: undefined })] }),
    ],
    ['G12', 'a version was used twice', of([ann, { ...bob, version: ann.version }])],
    ['G12', 'a release has the version of an order', of([{ ...annReleased, releasedVersion: bob.version }, bob])],
    [
      'G12',
      'a later answer has the smaller version',
      of([ann, bob], { observed: [anAnswer(ann, { sentAtMs: 200 }), anAnswer(bob)] }),
    ],
    ['G18', 'the units of an expired order never came back', of([{ ...ann, status: 'expired' }])],
    ['G18', 'the units of a paid order came back', of([{ ...annReleased, status: 'paid' }])],
    ['G18', 'units came back before they were taken', of([{ ...annReleased, releasedVersion: BASE }])],
  ])('names %s when %s', (guarantee, _, history) => {
    expect(checkHistory(history).map((violation) => violation.split(' ')[0])).toContain(guarantee);
  });

  it('excepts the losses that were named, and lets their keys be used again', () => {
    const observed = [
      anAnswer(aRow({ orderId: 'gone', buyer: 'ann' }), { answeredAtMs: 2 }),
      anAnswer(ann),
      anAnswer(bob),
    ];

    expect(checkHistory(of([ann, bob], { observed }))).toContainEqual(expect.stringMatching(/^G6 order gone /));
    expect(checkHistory(of([ann, bob], { observed, namedLosses: ['gone'] }))).toEqual([]);
  });

  it('lets a release that a loss took along have come earlier than a rebuild recorded it, in that epoch only', () => {
    const history = of([{ ...annReleased, releasedVersion: 2 * BASE + 1 }, bob, cid]);

    expect(checkHistory(history)).toEqual([expect.stringMatching(/^G3 .* version 1000000000004 /)]);
    expect(checkHistory({ ...history, lossyEpochs: [2] })).toHaveLength(1);
    expect(checkHistory({ ...history, lossyEpochs: [1] })).toEqual([]);
  });

  it('takes no more than a few seconds for ten thousand decisions', () => {
    const rows = Array.from({ length: 10_000 }, (_, n) => aRow({ orderId: `order-${n}`, version: BASE + 1 + n }));

    expect(checkHistory(of(rows, { total: 10_000 }))).toEqual([]);
  });
});
