import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

const { signToken } = await import('../../dist/launcher/sign-token.js');

/** `npm start` in a directory of its own, as its user has it: what is known of it stands in its welcome. */
export class Stampede {
  #directory = mkdtempSync(join(tmpdir(), 'stampede-browser-'));
  #launcher;
  url;
  saleId;

  static async start() {
    const stampede = new Stampede();
    await stampede.#start();
    return stampede;
  }

  async #start() {
    chmodSync(this.#directory, 0o711); // PostgreSQL runs as another user when we are root
    this.#launcher = spawn(process.execPath, ['dist/launcher.js'], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        STAMPEDE_DIR: this.#directory,
        PORT: String(await freePort()),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    for await (const chunk of this.#launcher.stdout.iterator({ destroyOnReturn: false })) {
      output += chunk;
      if (output.includes('Ctrl-C stops everything')) break;
    }
    this.#launcher.stdout.resume();
    this.url = /running at (\S+)/.exec(output)[1];
    this.saleId = /^ {4}Sale +(\S+)$/m.exec(output)[1];
  }

  /** The addresses that the welcome prints, for anybody. */
  shopAs = (sub, ttlSeconds = 600) => `${this.url}/#token=${this.token({ sub, ttlSeconds })}`;
  opsAs = (sub, role = 'admin') => `${this.url}/ops#token=${this.token({ sub, role, ttlSeconds: 600 })}`;

  token(wishes) {
    const { JWT_SECRET: secrets } = JSON.parse(readFileSync(join(this.#directory, 'secrets.json'), 'utf8'));
    return signToken({ secrets }, wishes);
  }

  /** As admin, unless it is said otherwise. */
  async ask(path, { body, headers = {}, sub = 'operator', role = 'admin' } = {}) {
    const answer = await fetch(this.url + path, {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${this.token({ sub, role, ttlSeconds: 60 })}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return answer.json();
  }

  /** @returns its id, once it can be bought from */
  async createSale(wishes) {
    const now = Date.now();
    const { saleId } = await this.ask('/v1/admin/sales', {
      body: {
        name: 'Lamp',
        sku: 'LAMP-1',
        priceMinor: 4900,
        currency: 'EUR',
        stock: 1,
        perUserLimit: 2,
        startsAt: new Date(now).toISOString(),
        endsAt: new Date(now + 3_600_000).toISOString(),
        ...wishes,
      },
    });
    return saleId;
  }

  /** While it is stopped it takes connections and answers nothing: the worst way to be away. */
  signalRedis(signal) {
    process.kill(Number(readFileSync(join(this.#directory, 'redis/redis.pid'), 'utf8')), signal);
  }

  openRedis() {
    const conf = readFileSync(join(this.#directory, 'redis/redis.conf'), 'utf8');
    const read = (name) => new RegExp(`^${name} (.*)$`, 'm').exec(conf)[1];
    return new Redis({ host: '127.0.0.1', port: Number(read('port')), password: read('requirepass') });
  }

  async stop() {
    if (this.#launcher.exitCode === null) {
      this.#launcher.kill('SIGINT');
      await once(this.#launcher, 'close');
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
