import type { Redis } from 'ioredis';
import { isServerReply } from '../platform/redis/errors.js';
import { LuaScript } from '../platform/redis/lua-script.js';
import { repliesOf } from '../platform/redis/replies.js';
import { runIdOf } from '../stock/lane-gate.js';
import { laneKeys } from '../stock/stock-keys.js';

const acknowledgeOrders = new LuaScript(new URL('./acknowledge-orders.lua', import.meta.url));
const setAside = new LuaScript(new URL('./set-aside.lua', import.meta.url));
const trimOrders = new LuaScript(new URL('./trim-orders.lua', import.meta.url));

/** One group, from the very first entry: a group that starts later would skip what is already there. */
const GROUP = 'persistence';
const GROUP_START = '0';

/** Stored entries are kept as long as an operator may want to look, and as many as 350 MB hold (167 bytes each). */
const KEEP_MS = 60 * 60 * 1000;
const KEEP_ENTRIES_MAX = 2_000_000;

export interface StreamEntry {
  id: string;
  /** Name and value by turns; null when the entry was deleted from outside while it was pending. */
  fields: string[] | null;
}

export interface Taken {
  /** The Redis that gave these entries, at the moment it gave them. */
  runId: string;
  /** What Postgres has recorded of the lane at least, as this Redis knew at that moment. */
  known: { epoch: number; recorded: number };
  entries: StreamEntry[];
  /** The newest entry of the stream at that moment; `waitForMore` starts behind it. */
  newestId: string;
}

export interface Backlog {
  /** Entries that no worker has been given. */
  unread: number;
  /** Entries that a worker has been given and has not acknowledged. */
  pending: number;
}

/** The accepted orders of one lane, in the order they were decided. */
export class OrderStream {
  readonly #keys;
  #claimCursor = '0-0';

  constructor(
    lane: number,
    private readonly redis: Redis,
  ) {
    this.#keys = laneKeys(lane);
  }

  /** Takes over what other workers have left pending for `staleAfterMs`, then takes new entries. */
  async take(
    consumer: string,
    { entriesMax, staleAfterMs }: { entriesMax: number; staleAfterMs: number },
  ): Promise<Taken> {
    const { orders, state } = this.#keys;
    const [info, known, claimed, read, newest] = await this.inGroup(() =>
      this.redis
        .multi()
        .info('server')
        .hmget(state, 'epoch', 'recorded')
        .xautoclaim(orders, GROUP, consumer, staleAfterMs, this.#claimCursor, 'COUNT', entriesMax)
        .xreadgroup('GROUP', GROUP, consumer, 'COUNT', entriesMax, 'STREAMS', orders, '>')
        .xrevrange(orders, '+', '-', 'COUNT', 1),
    );
    const [cursor, stale, deleted] = claimed as [string, RawEntry[], string[]];
    this.#claimCursor = cursor;
    return {
      runId: runIdOf(info as string),
      known: toKnown(known),
      entries: [...toEntries(stale), ...deleted.map((id) => ({ id, fields: null })), ...entriesOf(read)],
      newestId: (newest as RawEntry[])[0]?.[0] ?? '0-0',
    };
  }

  /** Takes what this consumer has been given before and has not acknowledged: after a failure, or from another run id. */
  async takeAgain(consumer: string, entriesMax: number): Promise<Taken> {
    const { orders, state } = this.#keys;
    const [info, known, read, newest] = await this.inGroup(() =>
      this.redis
        .multi()
        .info('server')
        .hmget(state, 'epoch', 'recorded')
        .xreadgroup('GROUP', GROUP, consumer, 'COUNT', entriesMax, 'STREAMS', orders, '0')
        .xrevrange(orders, '+', '-', 'COUNT', 1),
    );
    const newestId = (newest as RawEntry[])[0]?.[0] ?? '0-0';
    return { runId: runIdOf(info as string), known: toKnown(known), entries: entriesOf(read), newestId };
  }

  /** Resolves as soon as there is an entry newer than `newestId`, or after `limitMs`. Holds its connection meanwhile. */
  async waitForMore(blockingRedis: Redis, newestId: string, limitMs: number): Promise<void> {
    await blockingRedis.xread('COUNT', 1, 'BLOCK', limitMs, 'STREAMS', this.#keys.orders, newestId);
  }

  /** Strikes stored entries off. `recorded` is what Postgres has recorded in that epoch, as the storing statement said. */
  async acknowledge(
    entryIds: readonly string[],
    { epoch, recorded }: { epoch: number; recorded: number },
  ): Promise<void> {
    const { orders, state } = this.#keys;
    await acknowledgeOrders.run(this.redis, [orders, state], [GROUP, epoch, recorded, ...entryIds]);
  }

  /** Moves an entry that cannot be stored to the dead letters. Saying it twice changes nothing. */
  async setAside(entryId: string, reason: string): Promise<void> {
    const { orders, deadLetters } = this.#keys;
    await setAside.run(this.redis, [orders, deadLetters], [GROUP, entryId, reason]);
  }

  /** Forgets stored entries beyond what is kept; @returns how many, 0 when there is nothing to do. */
  async trim(keep = { ms: KEEP_MS, entriesMax: KEEP_ENTRIES_MAX }): Promise<number> {
    return (await trimOrders.run(this.redis, [this.#keys.orders], [GROUP, keep.ms, keep.entriesMax])) as number;
  }

  /** Counted from the ids, not from the group's `lag`, which is unknown once an entry was deleted. */
  async backlog(): Promise<Backlog> {
    const group = await this.readGroup();
    if (!group) return { unread: await this.redis.xlen(this.#keys.orders), pending: 0 };
    return { unread: await this.countAfter(group.lastDeliveredId), pending: group.pending };
  }

  /** When the oldest entry that is not acknowledged came, by Redis' clock; undefined when there is none. */
  async oldestUnstoredMs(): Promise<number | undefined> {
    const { orders } = this.#keys;
    const group = await this.readGroup();
    if (group && group.pending > 0) {
      const [, oldestPending] = (await this.redis.xpending(orders, GROUP)) as [number, string | null];
      if (oldestPending) return Number(oldestPending.split('-')[0]);
    }
    const [unread] = await this.redis.xrange(orders, group ? `(${group.lastDeliveredId}` : '-', '+', 'COUNT', 1);
    return unread && Number(unread[0].split('-')[0]);
  }

  private async countAfter(lastDeliveredId: string): Promise<number> {
    let count = 0;
    for (let from = `(${lastDeliveredId}`; ;) {
      const page = await this.redis.xrange(this.#keys.orders, from, '+', 'COUNT', 1000);
      count += page.length;
      const last = page.at(-1);
      if (!last || page.length < 1000) return count;
      from = `(${last[0]}`;
    }
  }

  private async readGroup(): Promise<{ pending: number; lastDeliveredId: string } | undefined> {
    const groups = (await this.redis.xinfo('GROUPS', this.#keys.orders).catch(noSuchKeyIsEmpty)) as unknown[][];
    const found = groups.map(pairs).find((group) => group.get('name') === GROUP);
    return (
      found && { pending: found.get('pending') as number, lastDeliveredId: found.get('last-delivered-id') as string }
    );
  }

  /** FLUSHALL takes the group along, and the next XADD brings back the stream alone: so it is made where it is missed. */
  private async inGroup(transaction: () => ReturnType<Redis['multi']>): Promise<unknown[]> {
    try {
      return repliesOf(await transaction().exec());
    } catch (error) {
      if (!isServerReply(error) || !error.message.startsWith('NOGROUP')) throw error;
      await this.redis.xgroup('CREATE', this.#keys.orders, GROUP, GROUP_START, 'MKSTREAM').catch(alreadyMade);
      return repliesOf(await transaction().exec());
    }
  }
}

const toKnown = (reply: unknown): Taken['known'] => {
  const [epoch, recorded] = reply as (string | null)[];
  return { epoch: Number(epoch ?? 0), recorded: Number(recorded ?? 0) };
};

type RawEntry = [id: string, fields: string[] | null];

const toEntries = (raw: RawEntry[]): StreamEntry[] => raw.map(([id, fields]) => ({ id, fields }));

/** XREADGROUP of one stream: [[key, entries]], or null when there is nothing. */
const entriesOf = (read: unknown): StreamEntry[] => toEntries((read as [string, RawEntry[]][] | null)?.[0]?.[1] ?? []);

const pairs = (flat: unknown[]): Map<unknown, unknown> =>
  new Map(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]] as const] : [])));

const noSuchKeyIsEmpty = (error: Error): unknown[] => {
  if (error.message.includes('no such key')) return [];
  throw error;
};

const alreadyMade = (error: Error): void => {
  if (!error.message.startsWith('BUSYGROUP')) throw error;
};
