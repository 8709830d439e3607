import type { PoolClient } from 'pg';
import { patiently } from '../platform/postgres/patience.js';
import type { Stock } from '../stock/stock.js';
import { NamedOrders } from './named-orders.js';

/** Orders of one sale in one lane, on both sides. */
export interface ComparedOrders {
  /** Units that the buyers hold, by Redis. */
  held: number;
  /** Orders of Redis that Postgres has not. */
  notStored: NamedOrders;
  /** On both sides, with another buyer, key, quantity or version. */
  different: NamedOrders;
  /** Given back by Redis, and not by Postgres. */
  releaseNotRecorded: NamedOrders;
  /** Given back by Postgres, and held by Redis. */
  releaseNotInRedis: NamedOrders;
  /** Orders of Postgres whose units are not given back, and that Redis does not know. */
  notInRedis: NamedOrders;
}

interface OnRecord {
  orderId: string;
  buyer: string;
  idempotencyKey: string;
  quantity: number;
  version: number;
  releasedVersion: number | null;
}

/** Orders that are read from Postgres at once. */
const PAGE = 2_000;

/** Compares page by page, so that memory stays flat. `unreleased` is the number of orders whose units Redis must hold. */
export async function compareOrders(
  tx: PoolClient,
  stock: Stock,
  { saleId, lane, unreleased, goOn }: { saleId: string; lane: number; unreleased: number; goOn: () => void },
): Promise<ComparedOrders> {
  const compared: ComparedOrders = {
    held: 0,
    notStored: new NamedOrders(),
    different: new NamedOrders(),
    releaseNotRecorded: new NamedOrders(),
    releaseNotInRedis: new NamedOrders(),
    notInRedis: new NamedOrders(),
  };
  let heldOrders = 0;
  for await (const page of stock.scanBuyers(lane, saleId)) {
    goOn();
    const orders = page.flatMap(({ buyer, orders: held }) => held.map((order) => ({ ...order, buyer })));
    const known = await selectOrders(tx, saleId, orders);
    for (const order of orders) {
      const onRecord = known.get(order.orderId);
      if (!onRecord) compared.notStored.add(order.orderId);
      else if (!isSame(order, onRecord)) compared.different.add(order.orderId);
      else if (order.releasedVersion !== undefined && onRecord.releasedVersion === null) {
        compared.releaseNotRecorded.add(order.orderId);
      } else if (order.releasedVersion === undefined && onRecord.releasedVersion !== null) {
        compared.releaseNotInRedis.add(order.orderId);
      }
      if (onRecord?.releasedVersion === null) heldOrders += 1;
    }
    compared.held += page.reduce((units, buyer) => units + buyer.held, 0);
  }
  // The other way round only when the numbers say that there is something to find.
  if (heldOrders < unreleased) await findNotInRedis(tx, stock, { saleId, lane, found: compared.notInRedis });
  return compared;
}

const isSame = (a: Omit<OnRecord, 'releasedVersion'>, b: OnRecord): boolean =>
  a.buyer === b.buyer && a.idempotencyKey === b.idempotencyKey && a.quantity === b.quantity && a.version === b.version;

async function selectOrders(
  tx: PoolClient,
  saleId: string,
  orders: readonly { orderId: string }[],
): Promise<Map<string, OnRecord>> {
  const { rows } = await tx.query<OnRecord>(
    `SELECT order_id AS "orderId", buyer_id AS buyer, idempotency_key AS "idempotencyKey", quantity, version,
            released_version AS "releasedVersion"
     FROM orders WHERE sale_id = $1 AND order_id = ANY($2::uuid[])`,
    [saleId, orders.map(({ orderId }) => orderId)],
  );
  return new Map(rows.map((row) => [row.orderId, row]));
}

async function findNotInRedis(
  tx: PoolClient,
  stock: Stock,
  { saleId, lane, found }: { saleId: string; lane: number; found: NamedOrders },
): Promise<void> {
  await tx.query(
    `DECLARE unreleased_orders NO SCROLL CURSOR FOR
     SELECT order_id AS "orderId", buyer_id AS buyer FROM orders
     WHERE sale_id = $1 AND lane = $2 AND released_version IS NULL ORDER BY order_id`,
    [saleId, lane],
  );
  for (;;) {
    const { rows } = await patiently<{ orderId: string; buyer: string }>(tx, `FETCH ${PAGE} FROM unreleased_orders`);
    const known = await stock.knownOrders(lane, saleId, [...new Set(rows.map(({ buyer }) => buyer))]);
    for (const { orderId } of rows) if (!known.has(orderId)) found.add(orderId);
    if (rows.length < PAGE) break;
  }
  await tx.query('CLOSE unreleased_orders');
}
