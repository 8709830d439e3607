import type { Pool, PoolClient } from 'pg';
import { isStillInTerm, type Term } from '../ledger/record-releases.js';
import { type AcceptedOrder, decodeOrder } from '../order-stream/accepted-order.js';
import type { OrderStreams } from '../order-stream/order-streams.js';
import type { Letter, SetAsideEntries } from '../order-stream/set-aside-entries.js';
import { failpoint } from '../platform/failpoint.js';
import { recordAdminAction } from '../platform/postgres/record-admin-action.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import type { LaneGate } from '../stock/lane-gate.js';
import type { Stock } from '../stock/stock.js';
import { type Fate, insertRejected, judgeFate } from './rejected-order.js';

export interface DeadLetterDeskParts {
  pool: Pool;
  stock: Stock;
  gate: LaneGate;
  streams: OrderStreams;
  entries: SetAsideEntries;
}

interface ReadLetter extends Letter {
  reason: string;
  state: 'open' | 'replayed' | 'discarded';
}

interface Resolution {
  state: 'replayed' | 'discarded';
  operator: string;
  text: string;
}

/** What Redis says of the order in a letter, and under which epoch and run id it said so. */
interface Finding {
  order: AcceptedOrder;
  fate: Fate;
  term: Term;
}

/**
 * Where an operator resolves dead letters.
 *
 * Promises:  a letter is resolved once. However many replay it at the same time, its entry is put on the stream once.
 * Promises:  an order that Redis had accepted is on record after its letter was discarded, as rejected, and its units come back
 *            once: its acceptance is counted in the transaction that resolves the letter, and compensation gives back.
 * Does not:  judge an entry. What still cannot be stored comes back as a new letter.
 */
export class DeadLetterDesk {
  constructor(private readonly parts: DeadLetterDeskParts) {}

  /**
   * First on the stream, then on record: a crash between the two leaves an open letter that can be replayed again, and then is
   * only marked, for Redis remembers what it has put on the stream.
   *
   * @returns `nothing-left` when Redis has not got the entry any more, and what is on record of it is no order.
   */
  async replay(
    letterId: string,
    operator: string,
  ): Promise<'replayed' | 'unknown' | 'already-resolved' | 'nothing-left'> {
    const letter = await this.read(letterId);
    if (!letter) return 'unknown';
    if (letter.state !== 'open') return 'already-resolved';
    if (!(await this.parts.entries.replay(letter))) return 'nothing-left';
    failpoint('letter-replayed');
    const isResolved = await inTransaction(this.parts.pool, (tx) =>
      resolve(tx, letter, { state: 'replayed', operator, text: 'put on the stream again' }),
    );
    return isResolved ? 'replayed' : 'already-resolved';
  }

  /** @returns `not-now` while the lane is closed or changes hands: whether the order was accepted only an open lane can say. */
  async discard(
    letterId: string,
    { reason, operator }: { reason: string; operator: string },
  ): Promise<'discarded' | 'unknown' | 'already-resolved' | 'not-now'> {
    const { pool, streams } = this.parts;
    const letter = await this.read(letterId);
    if (!letter) return 'unknown';
    if (letter.state !== 'open') return 'already-resolved';
    const order = acceptedOrder(letter);
    const finding = order && (await this.ask(letter.lane, order));
    if (order && !finding) return 'not-now';

    const done = await inTransaction(pool, async (tx) => {
      if (!(await isOpenLetter(tx, letterId))) return 'already-resolved';
      if (finding && !(await isStillInTerm(tx, letter.lane, finding.term))) return 'not-now';
      const recorded = finding && (await settle(tx, letter.lane, finding));
      await resolve(tx, letter, { state: 'discarded', operator, text: reason });
      return { recorded };
    });
    if (typeof done === 'string') return done;
    if (done.recorded) {
      const telling = streams.get(letter.lane)?.acknowledge([], done.recorded);
      await telling?.catch(() => undefined); // the guard tells Redis too
    }
    return 'discarded';
  }

  /** The lane before the order: if it was emptied, or rebuilt, between the two, it is not in this term any more. */
  private async ask(lane: number, order: AcceptedOrder): Promise<Finding | undefined> {
    const { epoch, serverRunId: runId } = await this.parts.gate.read(lane);
    const found = await this.parts.stock.findOrder(lane, order.saleId, order);
    if (!found.laneIsOpen) return undefined;
    return { order, fate: judgeFate(order, found.order, epoch), term: { epoch, runId } };
  }

  private async read(letterId: string): Promise<ReadLetter | undefined> {
    const { rows } = await this.parts.pool.query<ReadLetter>(
      `SELECT dead_letter_id AS "letterId", lane, entry_id AS "entryId", reason, state, fields
       FROM dead_letters WHERE dead_letter_id = $1`,
      [letterId],
    );
    return rows[0];
  }
}

/** Only such letters may hold an order that Redis has accepted and nobody has stored. */
function acceptedOrder({ reason, fields }: ReadLetter): AcceptedOrder | undefined {
  if (reason !== 'refused-by-database' && reason !== 'superseded') return undefined;
  const decoded = decodeOrder(fields);
  return 'order' in decoded ? decoded.order : undefined;
}

/** Locks the letter. */
async function isOpenLetter(tx: PoolClient, letterId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `SELECT FROM dead_letters WHERE dead_letter_id = $1 AND state = 'open' FOR NO KEY UPDATE`,
    [letterId],
  );
  return rowCount === 1;
}

async function settle(tx: PoolClient, lane: number, { order, fate, term }: Finding) {
  if (fate === 'forged') return undefined;
  return insertRejected(tx, { lane, epoch: term.epoch }, { order, fate });
}

/** @returns false when somebody else has resolved it. */
async function resolve(tx: PoolClient, letter: Letter, { state, operator, text }: Resolution): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE dead_letters SET state = $2, resolved_at = now(), resolved_by = $3, resolution = $4
     WHERE dead_letter_id = $1 AND state = 'open'`,
    [letter.letterId, state, operator, text],
  );
  if (rowCount === 0) return false;
  const { letterId: subject, lane, entryId } = letter;
  const action = `dead-letter.${state}`;
  await recordAdminAction(tx, { actor: operator, action, subject, detail: { lane, entryId, text } });
  return true;
}
