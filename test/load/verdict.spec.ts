import { type Audit, type Figures, findFaults } from '../../load-tests/run/verdict.mjs';

const STOCK = 10;

/** A run that sold everything: 10 of 12 buyers got a unit each. */
const good = () => ({ k6Status: 0, stock: STOCK, figures: figures(), audit: books() });

const counter = (count: number) => ({ values: { count } });

const figures = (metrics: Figures['metrics'] = {}): Figures => ({
  metrics: {
    units_accepted: counter(10),
    units_wanted: counter(12),
    buyers_came: counter(12),
    buyers_decided: { values: { rate: 1, passes: 12, fails: 0 } },
    ...metrics,
  },
  root_group: { checks: [{ name: 'all is well', passes: 1, fails: 0 }] },
});

const books = (differing: Partial<Audit> = {}): Audit => ({
  consistent: true,
  quiescent: true,
  redis: { total: STOCK, available: 0, held: 10 },
  postgres: { total: STOCK, pendingPayment: 7, paid: 3, toGiveBack: 0, givenBack: 0 },
  lanes: [{ lane: 0, epoch: 1, version: 1_000_000_000_010, recorded: 10, unread: 0, pending: 0 }],
  deadLettersOpen: 0,
  differences: [],
  ...differing,
});

describe('judging a load run', () => {
  it('finds no fault when the books hold what the buyers were promised', () => {
    expect(findFaults(good())).toEqual([]);
  });

  it('finds no fault when everybody got a unit because there were enough', () => {
    const few = figures({
      units_accepted: counter(9),
      units_wanted: counter(9),
      buyers_came: counter(9),
      buyers_decided: { values: { passes: 9 } },
    });
    const redis = { total: STOCK, available: 1, held: 9 };
    const postgres = { total: STOCK, pendingPayment: 9, paid: 0, toGiveBack: 0, givenBack: 0 };

    expect(findFaults({ ...good(), figures: few, audit: books({ redis, postgres }) })).toEqual([]);
  });

  it.each<[planted: string, run: Parameters<typeof findFaults>[0], fault: RegExp]>([
    [
      'a broken threshold',
      {
        ...good(),
        figures: figures({ answer_ms: { values: { 'p(95)': 9 }, thresholds: { 'p(95)<5': { ok: false } } } }),
      },
      /^threshold answer_ms p\(95\)<5 is broken/,
    ],
    [
      'a failed check',
      { ...good(), figures: { ...figures(), root_group: { checks: [{ name: 'sold out', passes: 0, fails: 1 }] } } },
      /^check failed: sold out$/,
    ],
    ['a k6 that was stopped', { ...good(), k6Status: 105 }, /^k6 ended with status 105$/],
    ['a broken threshold that is nowhere else', { ...good(), k6Status: 99 }, /^k6 ended with status 99$/],
    ['a run without figures', { ...good(), figures: undefined }, /^k6 left no figures$/],
    [
      'a buyer without a definite answer',
      { ...good(), figures: figures({ buyers_came: counter(13) }) },
      /^1 of 13 buyers never got a definite answer$/,
    ],
    ['a unit that nobody could buy', { ...good(), stock: 11 }, /^10 units were accepted, not 11/],
    [
      'a 202 whose order is nowhere',
      { ...good(), figures: figures({ units_accepted: counter(11) }) },
      /^buyers were promised 11 units, the books hold 10$/,
    ],
    [
      'an order nobody was told of',
      { ...good(), audit: books({ postgres: { ...books().postgres, givenBack: 1 } }) },
      /^buyers were promised 10 units, the books hold 11$/,
    ],
    [
      'a difference between the books',
      {
        ...good(),
        audit: books({ consistent: false, differences: [{ kind: 'held-differs', detail: 'lane 0: 9, 10' }] }),
      },
      /^audit: held-differs: lane 0: 9, 10$/,
    ],
    [
      'books that do not say why they differ',
      { ...good(), audit: books({ consistent: false }) },
      /^audit: not consistent$/,
    ],
    [
      'an order still in flight',
      { ...good(), audit: books({ quiescent: false }) },
      /^audit: something is still in flight: lane 0 is at 10 of 10 decisions, 0 unread, 0 pending$/,
    ],
    ['a dead letter', { ...good(), audit: books({ deadLettersOpen: 1 }) }, /^audit: 1 orders are dead letters$/],
    [
      'more units sold than there were',
      { ...good(), audit: books({ redis: { total: 11, available: 0, held: 11 } }) },
      /^oversold: 11 units of 10, 0 available$/,
    ],
    [
      'books that nobody can read',
      { ...good(), audit: undefined, auditProblem: 'no answer' },
      /^the books could not be read: no answer$/,
    ],
  ])('names %s', (_, run, fault) => {
    expect(findFaults(run)).toContainEqual(expect.stringMatching(fault));
  });

  /** Everything is finished: 6 of the 10 accepted units are paid, 4 were given up and are back. */
  const finished = () => ({
    ...good(),
    promises: { endsFinished: true },
    figures: figures({
      units_paid: counter(6),
      units_cancelled: counter(3),
      units_expired: counter(1),
    }),
    audit: books({
      redis: { total: STOCK, available: 4, held: 6 },
      postgres: { total: STOCK, pendingPayment: 0, paid: 6, toGiveBack: 0, givenBack: 4 },
    }),
  });
  const postgresOf = (differing: Partial<Audit['postgres']>) =>
    books({ postgres: { ...finished().audit.postgres, ...differing } });

  it('finds no fault when every order has ended as its buyer saw it', () => {
    expect(findFaults(finished())).toEqual([]);
  });

  it.each<[planted: string, audit: Audit, fault: RegExp]>([
    [
      'an order that nobody will ever finish',
      postgresOf({ pendingPayment: 1, givenBack: 3 }),
      /^1 units still wait for their payment$/,
    ],
    [
      'units that nobody gave back',
      postgresOf({ toGiveBack: 1, givenBack: 3 }),
      /^1 units of finished orders are not back on sale$/,
    ],
    [
      'a payment that its buyer saw and the books lack',
      postgresOf({ paid: 5, givenBack: 5 }),
      /^buyers saw 6 units paid, the books hold 5$/,
    ],
    [
      'a payment that no buyer saw',
      postgresOf({ paid: 7, givenBack: 3 }),
      /^buyers saw 6 units paid, the books hold 7$/,
    ],
    [
      'an order given up that sells no unit again',
      postgresOf({ paid: 7, givenBack: 3 }),
      /^buyers saw 4 units given up, the books have 3 given back$/,
    ],
  ])('names %s', (_, audit, fault) => {
    expect(findFaults({ ...finished(), audit })).toContainEqual(expect.stringMatching(fault));
  });

  describe('that compares two parts of itself', () => {
    const costs = (storm: number, selling: number) => ({
      ...good(),
      promises: { atMost: { figure: 'cost{part:storm}', other: 'cost{part:selling}', times: 2 } },
      figures: figures({
        'cost{part:storm}': { values: { med: storm } },
        'cost{part:selling}': { values: { value: selling } },
      }),
    });

    it('finds no fault while one is at most so many times as large', () => {
      expect(findFaults(costs(20, 10))).toEqual([]);
    });

    it('names the figure that is larger than that', () => {
      expect(findFaults(costs(21, 10))).toEqual([
        'cost{part:storm} is 21, more than 2 times cost{part:selling}, which is 10',
      ]);
    });

    it('names a figure that is missing', () => {
      expect(findFaults({ ...costs(1, 1), figures: figures() })).toContainEqual(
        expect.stringMatching(/^cost.* is NaN/),
      );
    });
  });
});
