import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/free-port.js';

/** A role that looks for its stores, where nobody answers. */
async function aStartingRole(): Promise<ChildProcess> {
  const nobody = await freePort();
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
  await once(role.stdout as NonNullable<typeof role.stdout>, 'data');
  return role;
}

describe('a role whose launcher is gone', () => {
  it('ends while it still starts, so that nothing of it stays behind', async () => {
    const role = await aStartingRole();
    const ended = once(role, 'exit');
    role.disconnect();
    expect(await ended).toEqual([1, null]);
  });
});

describe('a role that still starts', () => {
  // An exit code, and no signal: process 1 of a container is not ended by one that it does not handle.
  it.each(['SIGTERM', 'SIGINT'] as const)('ends by itself at %s, as process 1 has to', async (signal) => {
    const role = await aStartingRole();
    const ended = once(role, 'exit');
    role.kill(signal);
    expect(await ended).toEqual([1, null]);
  });
});
