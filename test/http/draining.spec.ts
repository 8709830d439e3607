import { orderBytes, Wire } from './client.js';
import { startTinyApp } from './tiny-app.js';

const ALL_BUT_TIMEOUTS = [
  'Date',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
] as const;

describe('draining', () => {
  it('answers what was received before, refuses what comes after on open connections, and then closes', async () => {
    const app = await startTinyApp();
    const release = app.till.hold();
    const early = new Wire(app.port).say(orderBytes(1));
    const open = new Wire(app.port).say('GET /open/anybody HTTP/1.1\r\nHost: a\r\n\r\n');
    await Promise.all([app.till.reached(1), open.answers(1)]);

    app.adapter.startDraining();
    open.say(orderBytes(2));
    expect(await open.ended()).toEqual([200, 503]);
    expect(open.heard).toMatch(/retry-after: 1\r\n/i);
    expect(open.heard).toMatch(/connection: close\r\n/i);
    expect(open.heard).toContain('/problems/draining');

    const closed = app.close();
    release();
    expect(await early.ended()).toEqual([202]);
    await closed;
    expect(app.till.taken).toEqual([1]);
  });

  it('begins with app.close()', async () => {
    const app = await startTinyApp();
    await app.close();
    expect(app.adapter.isDraining).toBe(true);
  });

  it('does not wait for connections that are idle, nor for those that never said anything', async () => {
    const app = await startTinyApp({ closeGraceMs: 100 });
    const idle = new Wire(app.port).say('GET /open/anybody HTTP/1.1\r\nHost: a\r\n\r\n');
    const silent = new Wire(app.port);
    await idle.answers(1);
    await app.close();
    await Promise.all([idle.ended(), silent.ended()]);
  });

  it('lets a request finish that waits for Postgres, and ends in time for the stores to close', async () => {
    const app = await startTinyApp({});
    const release = app.till.hold();
    const order = new Wire(app.port).say(orderBytes(1));
    const silent = new Wire(app.port);
    await app.till.reached(1);
    jest.useFakeTimers({ doNotFake: [...ALL_BUT_TIMEOUTS] });
    try {
      const closed = app.close();
      while (jest.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
      jest.advanceTimersByTime(6_900); // and 1 s of drain, which this app skips
      release();
      expect(await order.ended()).toEqual([202]);
      jest.advanceTimersByTime(200);
      await Promise.all([closed, silent.ended()]);
    } finally {
      jest.useRealTimers();
    }
  });
});
