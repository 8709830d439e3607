import type { Redis } from 'ioredis';
import { LuaScript } from '../platform/redis/lua-script.js';
import { laneKeys } from '../stock/stock-keys.js';
import { decodeOrder } from './accepted-order.js';

const replayEntry = new LuaScript(new URL('./replay-entry.lua', import.meta.url));

/** Dead letters that are read at once: one may hold a megabyte. */
const PAGE = 50;

/** What a dead letter says of its entry. */
export interface Letter {
  letterId: string;
  lane: number;
  /** Under which it came on the stream; that of an order which was found with its buyer is no id of an entry. */
  entryId: string;
  /** As people see them: cut, and without NUL. */
  fields: readonly string[];
}

/** The entries that were set aside, in all lanes: byte for byte what came from the stream. */
export class SetAsideEntries {
  constructor(private readonly redis: Redis) {}

  /**
   * Puts an entry on the stream again, once however often it is said. When Redis was emptied, or it never was on the stream, what
   * people see of it is put there, if that is an order.
   *
   * @returns false when nothing is left of it that could be put there.
   */
  async replay({ letterId, lane, entryId, fields }: Letter): Promise<boolean> {
    const { orders, deadLetters, replayed } = laneKeys(lane);
    const atMs = /^(\d+)-\d+$/.exec(entryId)?.[1];
    const setAside = atMs === undefined ? undefined : await this.find(deadLetters, { entryId, atMs });
    const known = 'order' in decodeOrder(fields) ? fields : [];
    const args = [letterId, setAside ?? '', atMs === undefined ? '' : entryId, ...known];
    return (await replayEntry.run(this.redis, [orders, deadLetters, replayed], args)) !== 'LOST';
  }

  /** A dead letter is younger than its entry, unless the clock of Redis was set back meanwhile. */
  private async find(
    deadLetters: string,
    { entryId, atMs }: { entryId: string; atMs: string },
  ): Promise<string | undefined> {
    return (await this.findFrom(atMs, deadLetters, entryId)) ?? this.findFrom('-', deadLetters, entryId);
  }

  private async findFrom(start: string, deadLetters: string, entryId: string): Promise<string | undefined> {
    for (let from = start; ;) {
      const page = await this.redis.xrange(deadLetters, from, '+', 'COUNT', PAGE);
      const found = page.find(([, [, , name, id]]) => name === 'entry' && id === entryId);
      const last = page.at(-1);
      if (found ?? (!last || page.length < PAGE)) return found?.[0];
      from = `(${last[0]}`;
    }
  }
}
