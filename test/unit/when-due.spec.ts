import { whenDue } from '../../src/platform/loop/when-due.js';

describe('work that is due from time to time', () => {
  let done: number;
  let everyMs: number;
  let isBroken: boolean;
  let look: () => Promise<number>;
  beforeEach(() => {
    jest.useFakeTimers();
    [done, everyMs, isBroken] = [0, 10_000, false];
    const pass = whenDue(
      () => everyMs,
      async () => {
        await Promise.resolve();
        if (isBroken) throw new Error('broken');
        done += 1;
      },
    );
    look = () => pass(new AbortController().signal);
  });
  afterEach(() => jest.useRealTimers());

  it('is done at the first look, and then when its time has come, and not before', async () => {
    expect(await look()).toBe(0);
    expect(done).toBe(1);
    jest.advanceTimersByTime(9_999);
    await look();
    expect(done).toBe(1);
    jest.advanceTimersByTime(1);
    await look();
    expect(done).toBe(2);
  });

  it('is done at the next look when its time was shortened while it waited', async () => {
    await look();
    jest.advanceTimersByTime(2_000);
    everyMs = 2_000;
    await look();
    expect(done).toBe(2);
  });

  it('stays due when it fails', async () => {
    isBroken = true;
    await expect(look()).rejects.toThrow('broken');
    isBroken = false;
    await look();
    expect(done).toBe(1);
  });
});
