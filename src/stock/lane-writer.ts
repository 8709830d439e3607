import type { Redis } from 'ioredis';
import { LuaScript } from '../platform/redis/lua-script.js';
import { throughPauses } from '../platform/redis/retry.js';
import { type BuyerRecord, formatBuyerRecord } from './buyer-record.js';
import { laneKeys, saleKeys } from './stock-keys.js';
import { configurationArgs, type SaleConfiguration } from './stock.js';

const writeSale = new LuaScript(new URL('./write-sale.lua', import.meta.url));
const setSaleAside = new LuaScript(new URL('./set-sale-aside.lua', import.meta.url));
const writeBuyers = new LuaScript(new URL('./write-buyers.lua', import.meta.url));

/** Keys that one call of SCAN looks at: all of them are few, two for each sale. */
const SCAN_COUNT = 1_000;

/** The lane that a guard has closed: what it may write to, until anybody else closes it or its Redis restarts. */
export interface ClosedLane {
  lane: number;
  token: number;
  /** The Redis on which it was closed. */
  runId: string;
}

export interface SaleToWrite {
  saleId: string;
  total: number;
  /** `total` less all units that its buyers hold. */
  available: number;
  /** The last adjustment that is counted in `total` or was refused, and what the script is to answer about it. */
  adjustment: { number: number; answer: number | 'refused' };
  configuration: SaleConfiguration;
}

/** Writes a lane anew, while it is closed. Every call throws {@link NotOurs} once the lane is not the one that was closed. */
export class LaneWriter {
  constructor(private readonly redis: Redis) {}

  /** In place of what was there, and without its buyers. */
  async writeSale(
    closed: ClosedLane,
    { saleId, total, available, adjustment, configuration }: SaleToWrite,
  ): Promise<void> {
    const { sale, buyers } = saleKeys(closed.lane, saleId);
    const args = [total, available, adjustment.number, adjustment.answer, ...configurationArgs(configuration)];
    await this.run(writeSale, closed, { keys: [sale, buyers], args });
  }

  /** Each of them whole: a buyer that is written again is replaced. */
  async writeBuyers(
    closed: ClosedLane,
    saleId: string,
    records: readonly (BuyerRecord & { buyer: string })[],
  ): Promise<void> {
    const args = records.flatMap((record) => [record.buyer, formatBuyerRecord(record)]);
    await this.run(writeBuyers, closed, { keys: [saleKeys(closed.lane, saleId).buyers], args });
  }

  /** Takes all other sales out of the lane. @returns their ids. */
  async keepOnly(closed: ClosedLane, saleIds: ReadonlySet<string>): Promise<string[]> {
    const others = (await this.salesIn(closed.lane)).filter((saleId) => !saleIds.has(saleId));
    for (const saleId of others) {
      const { sale, buyers, asideSale, asideBuyers } = saleKeys(closed.lane, saleId);
      await this.run(setSaleAside, closed, { keys: [sale, buyers, asideSale, asideBuyers], args: [] });
    }
    return others;
  }

  private async salesIn(lane: number): Promise<string[]> {
    const prefix = saleKeys(lane, '').sale;
    const found = new Set<string>();
    for (let cursor = '0'; ;) {
      const [next, keys] = await throughPauses(() =>
        this.redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', SCAN_COUNT),
      );
      for (const key of keys) found.add(key.slice(prefix.length).split(':')[0] ?? '');
      if (next === '0') return [...found];
      cursor = next;
    }
  }

  private async run(
    script: LuaScript,
    { lane, token, runId }: ClosedLane,
    { keys, args }: { keys: string[]; args: (string | number)[] },
  ): Promise<void> {
    const reply = await throughPauses(() =>
      script.run(this.redis, [laneKeys(lane).state, ...keys], [token, runId, ...args]),
    );
    if (reply !== 'WRITTEN') throw new NotOurs(lane);
  }
}

/** A newer guard, a restart or FLUSHALL came between: whatever was begun is void, and the next look begins anew. */
export class NotOurs extends Error {
  constructor(lane: number) {
    super(`lane ${lane} is not the one that was closed any more`);
    this.name = 'NotOurs';
  }
}
