import { ASSUMED_PER_SECOND, BUSY_BACKLOG, DrainRate } from '../../src/order-stream/drain-rate.js';

/** Notes one sample a second. @returns the rate after the last. */
function after(seconds: readonly { recorded: number; backlog: number; epoch?: number }[]): number {
  const rate = new DrainRate();
  return seconds.reduce((_, sample, second) => rate.note({ atMs: second * 1_000, epoch: 1, ...sample }), NaN);
}

const draining = (perSecond: number, seconds: number, backlog = 50_000) =>
  Array.from({ length: seconds }, (_, second) => ({ recorded: second * perSecond, backlog }));

describe('the rate at which a lane records', () => {
  it('is assumed before the lane was ever busy', () => {
    expect(after(draining(20_000, 30, BUSY_BACKLOG - 1))).toBe(ASSUMED_PER_SECOND);
  });

  it('comes close to what a busy lane records, within some seconds', () => {
    expect(after(draining(20_000, 6))).toBeGreaterThan(10_000);
    expect(after(draining(20_000, 30))).toBeCloseTo(20_000, -3);
  });

  it('does not take the few orders that come in for all that it could record', () => {
    const quiet = Array.from({ length: 60 }, (_, second) => ({ recorded: 600_000 + second * 50, backlog: 30 }));
    expect(after([...draining(20_000, 30), ...quiet])).toBeGreaterThan(19_000);
  });

  it('hardly falls within two seconds in which nothing is recorded, and is nothing after half a minute', () => {
    const stalled = (seconds: number) =>
      Array.from({ length: seconds }, () => ({ recorded: 29 * 20_000, backlog: 90_000 }));
    expect(after([...draining(20_000, 30), ...stalled(2)])).toBeGreaterThan(12_000);
    expect(after([...draining(20_000, 30), ...stalled(30)])).toBeLessThan(100);
  });

  it('is not measured across a rebuild, which counts anew', () => {
    const before = draining(20_000, 30);
    expect(after([...before, { recorded: 0, backlog: 50_000, epoch: 2 }])).toBe(after(before));
  });
});
