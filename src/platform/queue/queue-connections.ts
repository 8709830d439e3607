import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { connectRedis } from '../redis/connect.js';

/** In the braces: all keys of all queues lie in one slot of a cluster. */
export const QUEUE_PREFIX = '{stampede}:queue';

/**
 * The connections of one process to the Redis of BullMQ. Who adds or counts jobs gives up soon; who works on them waits as
 * long as it takes, which BullMQ demands (`maxRetriesPerRequest: null`): two connections.
 */
export class QueueConnections {
  readonly producer: Redis;
  #consumer: Redis | undefined;
  #isDown = false;

  constructor(
    private readonly url: string,
    private readonly name: string,
    private readonly logger: Logger,
  ) {
    this.producer = connectRedis(url, { name: `${name}-queue`, onError: (error) => this.noteDown(error) });
    this.producer.on('ready', () => (this.#isDown = false));
  }

  /** Made when the first worker asks for it; each worker duplicates it for its waiting. */
  get consumer(): Redis {
    this.#consumer ??= new Redis(this.url, {
      protocol: 2,
      maxRetriesPerRequest: null,
      connectionName: `${this.name}-jobs`,
      retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    }).on('error', () => undefined); // the producer says that Redis is away
    return this.#consumer;
  }

  close(): void {
    this.producer.disconnect();
    this.#consumer?.disconnect();
  }

  /** Once for each time that it is away, not for each attempt. */
  private noteDown(err: Error): void {
    if (!this.#isDown) this.logger.warn({ err }, 'the Redis of the queues cannot be reached; trying again');
    this.#isDown = true;
  }
}
