import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { isServerReply } from './errors.js';

/** `-- include other.lua` on a line of its own stands for the text of that file: Redis scripts cannot import. */
const INCLUDE = /^-- include (\S+\.lua)$/gm;

/** The whole text of a script, its includes in place. */
export function readScript(file: URL): string {
  return readFileSync(file, 'utf8').replace(INCLUDE, (_, name: string) => readFileSync(new URL(name, file), 'utf8'));
}

/**
 * One Lua script, called by its digest and sent whole when the server does not know it (first call, SCRIPT FLUSH,
 * restart). NOSCRIPT means that nothing ran, so sending it again is safe.
 */
export class LuaScript {
  readonly source: string;
  readonly #sha1: string;

  constructor(file: URL) {
    this.source = readScript(file);
    this.#sha1 = createHash('sha1').update(this.source).digest('hex');
  }

  /** @throws what ioredis throws: ReplyError for an error of the server, anything else when the outcome is unknown. */
  async run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!isServerReply(error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.source, keys.length, ...keys, ...args);
    }
  }
}
