import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { connectBlockingRedis, connectRedis } from './connect.js';

/** The connections of one process to one Redis: one for commands, and one for each that waits or listens. */
export class RedisConnections {
  readonly commands: Redis;
  readonly #all: Redis[] = [];
  #isDown = false;

  constructor(
    private readonly url: string,
    private readonly name: string,
    private readonly logger: Logger,
  ) {
    this.commands = connectRedis(url, { name, onError: (error) => this.noteDown(error) });
    this.commands.on('ready', () => (this.#isDown = false));
    this.#all.push(this.commands);
  }

  /** A connection that one reader may hold; errors are told by the one for commands. */
  openBlocking(purpose: string): Redis {
    const redis = connectBlockingRedis(this.url, { name: `${this.name}-${purpose}`, onError: () => undefined });
    this.#all.push(redis);
    return redis;
  }

  /** A connection that one listener may hold: on one that has subscribed no other command is allowed. */
  openSubscriber(purpose: string): Redis {
    const redis = connectRedis(this.url, { name: `${this.name}-${purpose}`, onError: () => undefined });
    this.#all.push(redis);
    return redis;
  }

  /** Resolves when all of them can send. */
  async ready(): Promise<void> {
    const connecting = this.#all.filter((redis) => redis.status !== 'ready');
    await Promise.all(connecting.map((redis) => new Promise<void>((resolve) => redis.once('ready', () => resolve()))));
  }

  close(): void {
    for (const redis of this.#all) redis.disconnect();
  }

  /** Once for each time that it is away, not for each attempt. */
  private noteDown(error: Error): void {
    if (!this.#isDown) this.logger.warn({ err: error }, 'Redis cannot be reached; trying again');
    this.#isDown = true;
  }
}
