import type { Audit } from '../../src/reconciliation/sale-audit.js';
import { checkHistory, type Decided, type Observed } from '../protocol/history.js';
import { type Buyer, race } from '../support/crowd.js';
import { eventually } from '../support/eventually.js';
import { query } from '../support/stores.js';
import type { TestSystem } from '../support/system.js';
import { epochOf, LANE, type RunningRace } from './lane-under-fault.js';

/** A sale of this many units, for which more buyers ask than there are, each three times at once. */
const STOCK = 800;
const BUYERS = 1_200;
export const COPIES = 3;
const BUYERS_AT_ONCE = 48;
/** So that the units last for four seconds without any fault, and a fault that takes a while still meets a sale that goes on. */
const APART_MS = 5;
/** An eighth of the units: each accepted order answers all its copies. */
const FAULT_AFTER_ACCEPTED = (STOCK / 8) * COPIES;

/** A fault is healed, and all that was under way is stored, at most so long after it is over (GUARANTEES.md: quiescent). */
const HEALED_WITHIN_MS = 30_000;

/** What is found when all clients have their answers, and nothing is in flight any more. */
export interface Books {
  audit: Audit;
  /** What must never be, one line each. */
  violations: string[];
  /** Requests that were accepted when the fault was over. */
  acceptedAfter: number;
  /** Orders that a buyer was told of with a 202, and that Postgres has not. */
  lost: string[];
  /** How many of those Stampede itself says are gone: counted by rebuilds, or listed as dead letters. */
  named: number;
  /** Epochs that were begun meanwhile. */
  rebuilds: number;
}

/** Lets a crowd race for one sale and has something happen in the middle; then looks at everything that must hold. */
export async function raceThrough(system: TestSystem, fault: (race: RunningRace) => Promise<unknown>): Promise<Books> {
  const saleId = await system.createSale({ stock: STOCK });
  const epochBefore = await epochOf(system);
  let acceptedBefore = 0;
  const buyers = await race(system, {
    saleId,
    buyers: BUYERS,
    copies: COPIES,
    atOnce: BUYERS_AT_ONCE,
    apartMs: APART_MS,
    afterAccepted: {
      count: FAULT_AFTER_ACCEPTED,
      do: async (progress) => {
        await fault({ saleId, progress });
        acceptedBefore = progress.accepted;
      },
    },
  });
  return look(system, { saleId, epochBefore, acceptedBefore, buyers });
}

interface Run {
  saleId: string;
  epochBefore: number;
  /** Requests that were accepted before the fault was over. */
  acceptedBefore: number;
  buyers: Buyer[];
}

async function look(system: TestSystem, { saleId, epochBefore, acceptedBefore, buyers }: Run): Promise<Books> {
  const audit = await healedAudit(system, saleId);
  const decided = await selectOrders(system, saleId);
  const stored = new Set(decided.map(({ orderId }) => orderId));
  const accepted = buyers.flatMap(({ answers }) => answers.flatMap(orderIdOf));
  const lost = [...new Set(accepted)].filter((orderId) => !stored.has(orderId));
  const observed = buyers.flatMap(observedBy);
  return {
    audit,
    violations: [
      ...checkHistory({ total: STOCK, perUserLimit: 1, observed, decided, namedLosses: lost }),
      ...buyers.flatMap((buyer) => answersThatCannotBe(buyer, new Set(lost))),
      ...notHealed(audit),
    ],
    lost,
    acceptedAfter: accepted.length - acceptedBefore,
    ...(await whatIsNamed(system, saleId, epochBefore)),
  };
}

/** Nothing is in flight, no rebuild is due, and both sides agree; if it does not come to that in time, how far it came. */
async function healedAudit(system: TestSystem, saleId: string): Promise<Audit> {
  const read = async () => (await system.admin('GET', `/v1/admin/sales/${saleId}/audit`)) as Audit;
  const isHealed = ({ quiescent, consistent }: Audit) => quiescent && consistent;
  return eventually(
    async () => {
      const audit = await read();
      return isHealed(audit) && audit;
    },
    { withinMs: HEALED_WITHIN_MS },
  ).catch(read);
}

/** The lane is open, both sides agree, and every unit found a buyer: more of them asked than there are units. */
function notHealed({ consistent, quiescent, differences, lanes, deadLettersOpen, redis, postgres }: Audit): string[] {
  const closed = lanes.filter(({ state }) => state !== 'open');
  const isSoldOut = redis.available === 0 && redis.held === STOCK && postgres.pendingPayment === STOCK;
  return [
    ...(quiescent ? [] : ['something is still in flight']),
    ...(consistent && differences.length === 0 ? [] : [`the books differ: ${JSON.stringify(differences)}`]),
    ...closed.map(({ lane }) => `lane ${lane} is closed`),
    ...(isSoldOut ? [] : [`not all is sold: ${JSON.stringify({ redis, postgres, deadLettersOpen })}`]),
  ];
}

const orderIdOf = ({ status, body }: Buyer['answers'][number]): string[] =>
  status === 202 ? [String(body.orderId)] : [];

const observedBy = ({ name, key, answers }: Buyer): Observed[] =>
  answers.map(({ status, body, sentAtMs, answeredAtMs }) => ({
    buyer: name,
    key,
    quantity: 1,
    sentAtMs,
    answeredAtMs,
    ...(status === 202
      ? { outcome: 'ok', orderId: String(body.orderId), version: Number(body.version) }
      : { outcome: 'fail' }),
  }));

/** A buyer has one order or was refused, and every copy of the request says the same of it; unless an order was lost between. */
function answersThatCannotBe({ name, answers }: Buyer, lost: ReadonlySet<string>): string[] {
  const odd = answers.filter(({ outcome }) => outcome !== 'accepted' && outcome !== 'sold-out');
  const kept = answers.filter(({ body }) => !lost.has(String(body.orderId)));
  const hadALoss = kept.length < answers.length;
  const said = new Set(
    kept
      .filter(({ status }) => status === 202 || !hadALoss)
      .map(({ status, body }) => (status === 202 ? JSON.stringify(body) : 'refused')),
  );
  return [
    ...odd.map(({ status, outcome }) => `${name} was answered ${status} ${outcome}`),
    ...(said.size > 1 ? [`${name} was answered ${[...said].join(' and ')}`] : []),
  ];
}

function selectOrders({ databaseUrl }: TestSystem, saleId: string): Promise<Decided[]> {
  return query<Decided & Record<string, unknown>>(
    databaseUrl,
    `SELECT order_id AS "orderId", buyer_id AS buyer, idempotency_key AS key, quantity, version::float8,
            released_version::float8 AS "releasedVersion", status
     FROM orders WHERE sale_id = $1`,
    [saleId],
  );
}

async function whatIsNamed(
  { databaseUrl }: TestSystem,
  saleId: string,
  epochBefore: number,
): Promise<Pick<Books, 'named' | 'rebuilds'>> {
  const [row] = await query<{ named: number; rebuilds: number }>(
    databaseUrl,
    `SELECT (coalesce(sum(lost), 0) + (SELECT count(*) FROM dead_letters WHERE sale_id = $1 AND reason = 'superseded'))::integer AS named,
            count(*)::integer AS rebuilds
     FROM rebuilds WHERE lane = $2 AND epoch > $3`,
    [saleId, LANE, epochBefore],
  );
  return row ?? { named: 0, rebuilds: 0 };
}
