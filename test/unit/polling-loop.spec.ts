import { pino } from 'pino';
import { PollingLoop, type PollingLoopOptions } from '../../src/platform/loop/polling-loop.js';
import { eventually } from '../support/eventually.js';

const NEVER_MS = 3_600_000;

describe('a polling loop', () => {
  let lines: { msg: string }[];
  const loop = (options: Pick<PollingLoopOptions, 'runOnce' | 'idle'>) => {
    lines = [];
    const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as { msg: string }) });
    return new PollingLoop({ name: 'test', logger, ...options });
  };

  it('goes on at once while there is work, and idles when there is none', async () => {
    const work = [3, 2, 1, 0];
    const passes: number[] = [];
    const polling = loop({
      idle: NEVER_MS,
      runOnce: () => {
        const done = work.shift() ?? 0;
        passes.push(done);
        return Promise.resolve(done);
      },
    });
    polling.start();
    await eventually(() => passes.length === 4, { withinMs: 2_000 });
    await polling.stop();
    expect(passes).toEqual([3, 2, 1, 0]);
  });

  it('starts the next pass at once when it is nudged', async () => {
    let passes = 0;
    const polling = loop({ idle: NEVER_MS, runOnce: () => Promise.resolve(((passes += 1), 0)) });
    polling.start();
    await eventually(() => passes === 1, { withinMs: 2_000 });
    polling.nudge();
    await eventually(() => passes === 2, { withinMs: 2_000 });
    await polling.stop();
  });

  it('tries again after a failure, and says once that it fails and once that it has recovered', async () => {
    let passes = 0;
    const polling = loop({
      idle: NEVER_MS,
      runOnce: () => ((passes += 1) < 4 ? Promise.reject(new Error('away')) : Promise.resolve(0)),
    });
    polling.start();
    await eventually(() => passes === 4, { withinMs: 10_000 });
    await polling.stop();
    expect(lines.map(({ msg }) => msg)).toEqual(['test fails; trying again', 'test has recovered']);
  });

  it('finishes the pass in hand before it stops, and begins no other', async () => {
    let finish: (done: number) => void = () => undefined;
    let passes = 0;
    const polling = loop({
      idle: NEVER_MS,
      runOnce: () => ((passes += 1), new Promise((resolve) => (finish = resolve))),
    });
    polling.start();
    let hasStopped = false;
    const stopped = polling.stop().then(() => (hasStopped = true));
    await Promise.resolve();
    expect(hasStopped).toBe(false);
    finish(1);
    await stopped;
    expect(passes).toBe(1);
  });
});
