import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis } from '../../src/platform/embedded/embedded-redis.js';
import { StartError } from '../../src/platform/embedded/start-error.js';
import { isAlive, startInAnotherProcess } from '../support/another-process.js';
import { privateDirectory, removeDirectory } from '../support/private-directory.js';
import { takePort } from '../support/taken-port.js';

describe('an embedded Redis', () => {
  let root: string;
  let directory: string;
  beforeEach(() => {
    root = privateDirectory();
    directory = join(root, 'redis');
  });
  afterEach(() => removeDirectory(root));

  it('finds its data, port and password again when it is started a second time on its directory', async () => {
    const first = await startRedis({ directory });
    await ask(first.url, (redis) => redis.set('kept', 'yes'));
    await first.stop();
    expect(await first.exited).toEqual({ code: 0, signal: null });

    const second = await startRedis({ directory });
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, (redis) => redis.get('kept'))).toBe('yes');
    await second.stop();
  });

  it('keeps every write it answered when it is killed', async () => {
    const first = await startRedis({ directory });
    for (let n = 0; n < 100; n++) await ask(first.url, (redis) => redis.rpush('answered', n));
    await first.kill();
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' });

    const second = await startRedis({ directory, port: first.port });
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, (redis) => redis.llen('answered'))).toBe(100);
    await second.stop();
  });

  it('writes to disk before it answers, never evicts, and listens on this machine only', async () => {
    const server = await startRedis({ directory });
    const settings = await ask(server.url, (redis) =>
      redis.config('GET', 'appendonly', 'appendfsync', 'save', 'maxmemory-policy', 'bind', 'protected-mode'),
    );
    await server.stop();
    expect(toObject(settings)).toEqual({
      appendonly: 'yes',
      appendfsync: 'always',
      save: '',
      'maxmemory-policy': 'noeviction',
      bind: '127.0.0.1',
      'protected-mode': 'yes',
    });
  });

  it('refuses a client without the password, which only the owner of its files can read', async () => {
    const server = await startRedis({ directory });
    await expect(ask(`redis://127.0.0.1:${server.port}`, (redis) => redis.get('kept'))).rejects.toThrow('NOAUTH');
    await server.stop();
    for (const file of ['password', 'redis.conf']) expect(statSync(join(directory, file)).mode & 0o077).toBe(0);
  });

  it('stops in order what a killed parent left running, then starts with its data', async () => {
    const left = await startInAnotherProcess('redis', directory);
    await ask(left.url, (redis) => redis.set('kept', 'yes'));
    await left.killParent();
    expect(isAlive(left.pid)).toBe(true);

    const server = await startRedis({ directory });
    expect(isAlive(left.pid)).toBe(false);
    expect(server.url).toBe(left.url);
    expect(await ask(server.url, (redis) => redis.get('kept'))).toBe('yes');
    await server.stop();
  });

  it('refuses a directory whose server belongs to a program that still runs', async () => {
    const other = await startInAnotherProcess('redis', directory);
    await expect(startRedis({ directory })).rejects.toThrow(`is in use (process ${other.pid})`);
    expect(isAlive(other.pid)).toBe(true);
    await other.killParent();
  });

  it('says in one line that the port it was told to use is taken', async () => {
    const taken = await takePort();
    const start = startRedis({ directory, port: taken.port });
    await expect(start).rejects.toThrow(StartError);
    await expect(start).rejects.toThrow(new RegExp(`^Port ${taken.port} .*$`));
    await taken.close();
  });

  it('takes another port when the one of the last time is taken meanwhile', async () => {
    const first = await startRedis({ directory });
    await first.stop();
    const taken = await takePort(first.port);
    const second = await startRedis({ directory });
    expect(second.port).not.toBe(first.port);
    await second.stop();
    await taken.close();
  });

  it('runs beside another one of another directory', async () => {
    const [one, other] = await Promise.all([
      startRedis({ directory }),
      startRedis({ directory: join(root, 'queue-redis') }),
    ]);
    await ask(one.url, (redis) => redis.set('where', 'one'));
    expect(await ask(other.url, (redis) => redis.get('where'))).toBeNull();
    await Promise.all([one.stop(), other.stop()]);
  });
});

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

function toObject(pairs: string[]): Record<string, string> {
  return Object.fromEntries(pairs.flatMap((key, index) => (index % 2 === 0 ? [[key, pairs[index + 1] ?? '']] : [])));
}
