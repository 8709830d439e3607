import { v7 as uuidv7 } from 'uuid';
import { DeadLetterDesk } from '../../src/dead-letters/dead-letter-desk.js';
import { OrderStreams } from '../../src/order-stream/order-streams.js';
import { SetAsideEntries } from '../../src/order-stream/set-aside-entries.js';
import { aRequest, Corner } from './corner.js';

export interface LetterRow {
  id: string;
  reason: string;
  state: string;
  resolvedBy: string | null;
  resolution: string | null;
}

/** A corner whose operator resolves what could not be stored in it. */
export class LettersInACorner {
  readonly entries: SetAsideEntries;
  readonly desk: DeadLetterDesk;

  private constructor(readonly corner: Corner) {
    const { pool, stock, gate, lane, stream, redis } = corner;
    this.entries = new SetAsideEntries(redis);
    const streams = new OrderStreams([[lane, stream]]);
    this.desk = new DeadLetterDesk({ pool, stock, gate, streams, entries: this.entries });
  }

  static async open(): Promise<LettersInACorner> {
    return new LettersInACorner(await Corner.open());
  }

  persist(): Promise<number> {
    return this.corner.worker().runOnce();
  }

  /** In the order in which they were listed. */
  async letters(): Promise<LetterRow[]> {
    const { rows } = await this.corner.pool.query<LetterRow>(
      `SELECT dead_letter_id AS id, reason, state, resolved_by AS "resolvedBy", resolution FROM dead_letters
       WHERE lane = $1 ORDER BY dead_letter_id`,
      [this.corner.lane],
    );
    return rows;
  }

  /** The id of the only open one. */
  async theLetter(): Promise<string> {
    const [letter, ...others] = (await this.letters()).filter(({ state }) => state === 'open');
    if (!letter || others.length > 0) throw new Error(`${others.length + Number(Boolean(letter))} letters are open`);
    return letter.id;
  }

  async rebuild(): Promise<void> {
    const { pool, lane } = this.corner;
    await pool.query(`UPDATE lanes SET rebuild_asked = 'asked' WHERE lane = $1`, [lane]);
    if ((await this.corner.guard().runOnce()) !== 1) throw new Error('the lane was not rebuilt');
  }

  /** Redis believes in one unit more than there is, and sells it: the database refuses the last of four orders. */
  async aSaleWithRefusedOrder(): Promise<{ saleId: string; orderId: string; buyer: string }> {
    const { corner } = this;
    const saleId = await corner.sale({ stock: 3 });
    await corner.redis.hset(corner.saleKeys(saleId).sale, 'available', 4);
    const refused = aRequest({ buyer: 'zoe' });
    await corner.stock.reserve(corner.lane, saleId, { requests: [aRequest(), aRequest(), aRequest(), refused] });
    await this.persist();
    return { saleId, orderId: refused.orderId, buyer: refused.buyer };
  }

  /** The order of a sale that is not in this lane, until it is brought back. */
  async anOrphan(): Promise<{ saleId: string; bringSaleBack: () => Promise<unknown> }> {
    const { pool, lane } = this.corner;
    const saleId = await this.corner.sale({ stock: 3 });
    await this.corner.reserve(saleId, 1);
    const putInto = (where: number) =>
      pool.query('UPDATE sale_lanes SET lane = $2 WHERE sale_id = $1', [saleId, where]);
    await putInto(0);
    await this.persist();
    return { saleId, bringSaleBack: () => putInto(lane) };
  }

  /** An entry that the reserve script has not written. */
  async forge(saleId: string, fields: Record<string, string> = {}): Promise<void> {
    const order = { v: '1', order: uuidv7(), sale: saleId, buyer: 'eve', key: 'k', units: '1' };
    const entry = { ...order, version: '1000000000001', at: '1700000000000', ...fields };
    await this.corner.redis.xadd(this.corner.keys.orders, '*', ...Object.entries(entry).flat());
  }

  /** Nothing is wrong, nothing under way, no letter open. */
  async expectBooks(saleId: string, books: { total?: number; held: number; givenBack?: number }): Promise<void> {
    const { total = 3, held, givenBack = 0 } = books;
    expect(await this.corner.audit(saleId)).toMatchObject({
      consistent: true,
      quiescent: true,
      differences: [],
      deadLettersOpen: 0,
      redis: { total, available: total - held, held },
      postgres: { total, toGiveBack: 0, givenBack },
    });
  }
}
