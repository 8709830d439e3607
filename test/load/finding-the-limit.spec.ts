import { findLimit } from '../../load-tests/run/limit.mjs';
import { type Audit, type Figures, findFaults } from '../../load-tests/run/verdict.mjs';

type Metric = Figures['metrics'][string];

const judged = (values: Metric['values'], ok: boolean, rule = 'count==0'): Metric => ({
  values,
  thresholds: { [rule]: { ok } },
});

/** Three steps; at 300 buyers per second some were sent away for load, and the run ended: 4 of 1,000 buyers were cut off. */
const broken = (metrics: Figures['metrics'] = {}): Figures => ({
  metrics: {
    units_accepted: { values: { count: 996 } },
    units_wanted: { values: { count: 1_000 } },
    buyers_came: { values: { count: 1_000 } },
    buyers_decided: { values: { passes: 996 } },
    'buyers_came{scenario:at_100}': judged({ count: 200 }, true, 'count>=0'),
    'buyers_came{scenario:at_200}': judged({ count: 400 }, true, 'count>=0'),
    'buyers_came{scenario:at_300}': judged({ count: 400 }, true, 'count>=0'),
    'buyers_came{scenario:at_400}': judged({ count: 0 }, true, 'count>=0'),
    'answer_ms{scenario:at_200}': judged({ 'p(95)': 80 }, true, 'p(95)<250'),
    'resent_overloaded{scenario:at_300}': judged({ count: 17 }, false),
    ...metrics,
  },
  root_group: { checks: [] },
});

const run = (figures: Figures, booked = 998) => ({
  k6Status: 99,
  stock: 5_000,
  promises: { findsLimit: true },
  figures,
  audit: booksOf(booked),
});

const booksOf = (held: number): Audit => ({
  consistent: true,
  quiescent: true,
  redis: { total: 5_000, available: 5_000 - held, held },
  postgres: { total: 5_000, pendingPayment: held, paid: 0, toGiveBack: 0, givenBack: 0 },
  lanes: [],
  deadLettersOpen: 0,
  differences: [],
});

describe('finding the limit', () => {
  it('is at the last step before the first one that broke, and says why that one did', () => {
    expect(findLimit(broken())).toEqual({
      perSecond: 200,
      brokenAt: 300,
      because: ['resent_overloaded count==0, but it was 17'],
    });
  });

  it('is at the last step that anybody came to when none broke', () => {
    const well = broken({ 'resent_overloaded{scenario:at_300}': judged({ count: 0 }, true) });

    expect(findLimit(well)).toEqual({ perSecond: 300, brokenAt: undefined, because: [] });
  });

  it('takes no step for well that comes after one that broke', () => {
    const bumpy = broken({ 'answer_ms{scenario:at_100}': judged({ 'p(95)': 251 }, false, 'p(95)<250') });

    expect(findLimit(bumpy)).toMatchObject({ perSecond: undefined, brokenAt: 100 });
  });

  it('is no fault, though k6 ends with broken thresholds and cuts off who was waiting', () => {
    expect(findFaults(run(broken()))).toEqual([]);
  });

  it.each<[planted: string, run: Parameters<typeof findFaults>[0], fault: RegExp]>([
    [
      'an accepted order that the overload has lost',
      run(broken(), 995),
      /^buyers were promised 996 units, the books hold 995, and 4 buyers were cut off$/,
    ],
    [
      'more orders than buyers who may have one unheard',
      run(broken(), 1_001),
      /^buyers were promised 996 units, the books hold 1001, and 4 buyers were cut off$/,
    ],
    [
      'a broken threshold that judges the whole run',
      run(broken({ contradictions: judged({ count: 1 }, false) })),
      /^threshold contradictions count==0 is broken/,
    ],
    [
      'a first step that is not well',
      run(broken({ 'resent_overloaded{scenario:at_100}': judged({ count: 1 }, false) })),
      /^not even the first step was well: resent_overloaded count==0, but it was 1$/,
    ],
    ['a k6 that was stopped', { ...run(broken()), k6Status: 105 }, /^k6 ended with status 105$/],
  ])('names %s', (_, planted, fault) => {
    expect(findFaults(planted)).toContainEqual(expect.stringMatching(fault));
  });
});
