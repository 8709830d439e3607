import { BuyerRates } from '../../src/platform/http/buyer-rates.js';

describe('how often a buyer may ask', () => {
  const granted = (rates: BuyerRates, buyer: string, atMs: readonly number[]) =>
    atMs.filter((nowMs) => rates.take(buyer, nowMs)).length;
  const times = (count: number, nowMs: number) => Array.from({ length: count }, () => nowMs);

  it('is as many at once as the burst, and then one for each of their time', () => {
    const rates = new BuyerRates(() => ({ perSecond: 10, burst: 5 }));
    expect(granted(rates, 'ann', times(9, 1_000))).toBe(5);
    expect(granted(rates, 'ann', times(9, 1_099))).toBe(0);
    expect(granted(rates, 'ann', times(9, 1_100))).toBe(1);
    expect(granted(rates, 'ann', times(9, 1_350))).toBe(2);
    expect(granted(rates, 'ann', times(9, 9_000))).toBe(5);
  });

  it('is never more than the rate in the long run, however often they ask', () => {
    const rates = new BuyerRates(() => ({ perSecond: 10, burst: 5 }));
    const eachMs = Array.from({ length: 10_000 }, (_, ms) => ms);
    expect(granted(rates, 'ann', eachMs)).toBeLessThanOrEqual(10 * 10 + 5);
    expect(granted(new BuyerRates(() => ({ perSecond: 10, burst: 5 })), 'ann', eachMs)).toBeGreaterThanOrEqual(100);
  });

  it('is counted for each buyer alone', () => {
    const rates = new BuyerRates(() => ({ perSecond: 1, burst: 1 }));
    expect(['ann', 'ben', 'ann'].map((buyer) => rates.take(buyer, 0))).toEqual([true, true, false]);
  });

  it('is not forgotten when what was remembered is turned over', () => {
    const rates = new BuyerRates(() => ({ perSecond: 1, burst: 10 }));
    granted(rates, 'first', times(1, 0)); // from now on it is turned over every 10 s
    expect(granted(rates, 'ann', times(20, 9_999))).toBe(10);
    expect(granted(rates, 'ann', times(20, 10_001))).toBe(0);
    expect(granted(rates, 'ann', times(20, 19_998))).toBe(9);
  });

  it('follows a limit that is changed', () => {
    let perSecond = 1;
    const rates = new BuyerRates(() => ({ perSecond, burst: 1 }));
    expect([rates.take('ann', 0), rates.take('ann', 100)]).toEqual([true, false]);
    perSecond = 20;
    expect(rates.take('ann', 1_050)).toBe(true);
    expect(rates.take('ann', 1_100)).toBe(true);
  });
});
