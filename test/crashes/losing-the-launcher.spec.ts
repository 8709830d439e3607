import { fork } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/free-port.js';

describe('a role whose launcher is gone', () => {
  it('ends while it still starts, so that nothing of it stays behind', async () => {
    const nobody = await freePort(); // no store answers there: the role waits for it
    const role = fork('dist/main.js', ['worker'], {
      silent: true,
      env: {
        DATABASE_URL: `postgresql://stampede@127.0.0.1:${nobody}/stampede`,
        REDIS_URL: `redis://127.0.0.1:${nobody}`,
        JWT_SECRET: 'a secret of the tests that is long enough',
        PAYMENT_WEBHOOK_SECRETS: 'a secret of the tests that is long enough',
        PAYMENT_GATEWAY_URL: `http://127.0.0.1:${nobody}`,
      },
    });
    const log = role.stdout as NonNullable<typeof role.stdout>;
    await once(log, 'data'); // it has begun to look for its stores
    const ended = once(role, 'exit');
    role.disconnect();
    expect(await ended).toEqual([1, null]);
  });
});
