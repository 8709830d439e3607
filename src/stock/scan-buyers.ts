import type { Redis } from 'ioredis';
import { repliesOf } from '../platform/redis/replies.js';
import { throughPauses } from '../platform/redis/retry.js';
import { type BuyerRecord, parseBuyerRecord } from './buyer-record.js';
import { runIdOf } from './lane-gate.js';
import { saleKeys } from './stock-keys.js';

/** Buyers of one page of a scan: keeps Redis busy for about a millisecond. */
const PAGE = 1_000;

export type Buyer = BuyerRecord & { buyer: string };

/** A restart came between: what is read now may be older than what was read before. */
export class AnotherRedis extends Error {
  constructor(lane: number, runId: string) {
    super(`lane ${lane} is not on Redis ${runId} any more`);
    this.name = 'AnotherRedis';
  }
}

/**
 * Every buyer of a sale in one lane, page by page. Exact while nothing is decided meanwhile.
 *
 * @param onlyOn run id of the Redis that is to be read. @throws AnotherRedis, before anything of another one is yielded.
 */
export async function* scanBuyers(
  redis: Redis,
  { lane, saleId, onlyOn }: { lane: number; saleId: string; onlyOn?: string | undefined },
): AsyncGenerator<Buyer[]> {
  const { buyers } = saleKeys(lane, saleId);
  let cursor = '0';
  do {
    const from = cursor;
    const replies = await throughPauses(() => redis.multi().info('server').hscan(buyers, from, 'COUNT', PAGE).exec());
    const [info, page] = repliesOf(replies) as [string, [cursor: string, flat: string[]]];
    if (onlyOn !== undefined && runIdOf(info) !== onlyOn) throw new AnotherRedis(lane, onlyOn);
    const [next, flat] = page;
    cursor = next;
    yield flat.flatMap((buyer, index) =>
      index % 2 === 0 ? [{ buyer, ...parseBuyerRecord(flat[index + 1] as string) }] : [],
    );
  } while (cursor !== '0');
}
