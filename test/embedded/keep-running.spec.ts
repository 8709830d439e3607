import type { Exit, Running } from '../../src/platform/embedded/child-end.js';
import { KeepRunning } from '../../src/platform/embedded/keep-running.js';
import { eventually } from '../support/eventually.js';

describe('keeping a child running', () => {
  it('starts it again when it ends, after a pause that doubles', async () => {
    const { children, pauses, keeper } = aKeeper();
    await keeper.start();
    children[0]?.end({ code: null, signal: 'SIGKILL' });
    await eventually(() => children.length === 2, { withinMs: 2_000 });
    children[1]?.end({ code: 1, signal: null });
    await eventually(() => children.length === 3, { withinMs: 2_000 });
    expect(pauses).toEqual(['ended by SIGKILL, 200 ms', 'ended with code 1, 400 ms']);
    await keeper.stop();
  });

  it('tries again when a restart fails', async () => {
    let starts = 0;
    const { children, pauses, keeper } = aKeeper(() => {
      if (++starts === 2) throw new Error('the port is taken');
    });
    await keeper.start();
    children[0]?.end({ code: 1, signal: null });
    await eventually(() => children.length === 2, { withinMs: 2_000 });
    expect(pauses).toEqual(['ended with code 1, 200 ms', 'it could not be started, 400 ms']);
    await keeper.stop();
  });

  it('throws when the first start fails, and supervises nothing', async () => {
    const { pauses, keeper } = aKeeper(() => {
      throw new Error('no such program');
    });
    await expect(keeper.start()).rejects.toThrow('no such program');
    await keeper.stop();
    expect(pauses).toEqual([]);
  });

  it('does not start it again when its end is final', async () => {
    const { children, pauses, keeper } = aKeeper();
    await keeper.start();
    children[0]?.end({ code: 78, signal: null });
    await keeper.stop();
    expect([children.length, pauses]).toEqual([1, []]);
  });

  it('does not start it again when it is stopped during the pause', async () => {
    const { children, pauses, keeper } = aKeeper();
    await keeper.start();
    children[0]?.end({ code: 1, signal: null });
    await eventually(() => pauses.length === 1, { withinMs: 2_000 });
    await keeper.stop();
    expect(children).toHaveLength(1);
  });

  it('ends it when it is stopped while it is being started', async () => {
    const { children, keeper } = aKeeper();
    const starting = keeper.start();
    await keeper.stop();
    await starting;
    expect(await children[0]?.exited).toEqual({ code: 0, signal: null });
  });
});

/** A child without a process: it ends when it is told to. */
class Child implements Running {
  readonly pid = 0;
  end: (exit: Exit) => void = () => undefined;
  readonly exited = new Promise<Exit>((resolve) => (this.end = resolve));

  stop(): Promise<void> {
    this.end({ code: 0, signal: null });
    return Promise.resolve();
  }

  kill(): Promise<void> {
    this.end({ code: null, signal: 'SIGKILL' });
    return Promise.resolve();
  }
}

function aKeeper(beforeStart: () => void = () => undefined) {
  const children: Child[] = [];
  const pauses: string[] = [];
  const keeper = new KeepRunning({
    start: async () => {
      await Promise.resolve();
      beforeStart();
      const child = new Child();
      children.push(child);
      return child;
    },
    onDown: (why, againInMs) => pauses.push(`${why}, ${againInMs} ms`),
    isFinal: ({ code }) => code === 78,
  });
  return { children, pauses, keeper };
}
