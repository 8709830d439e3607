/** One order as the lane remembers it: enough to answer a repeated key, and to store the order again. */
export interface HeldOrder {
  idempotencyKey: string;
  orderId: string;
  quantity: number;
  /** The version of its give-back, or undefined while its units are held. */
  releasedVersion: number | undefined;
  version: number;
  decidedAtMs: number;
}

export interface BuyerRecord {
  /** Units of all orders that are not released. */
  held: number;
  orders: HeldOrder[];
}

/**
 * Reads a value of the `buyers` hash: `<held>;` and then, for each order,
 * `<key> <order id> <units> <held|release version> <version> <decidedAtMs>;` (written by reserve-stock.lua).
 */
export function parseBuyerRecord(record: string): BuyerRecord {
  const [held = '', ...orders] = record.split(';').filter((part) => part !== '');
  return { held: Number(held), orders: orders.map(parseHeldOrder) };
}

/** The same value, as reserve-stock.lua would have written it. */
export function formatBuyerRecord({ held, orders }: BuyerRecord): string {
  const parts = orders.map(({ idempotencyKey, orderId, quantity, releasedVersion, version, decidedAtMs }) =>
    [idempotencyKey, orderId, quantity, releasedVersion ?? 'held', version, decidedAtMs].join(' '),
  );
  return [held, ...parts, ''].join(';');
}

function parseHeldOrder(text: string): HeldOrder {
  const [idempotencyKey = '', orderId = '', quantity, release, version, decidedAtMs] = text.split(' ');
  return {
    idempotencyKey,
    orderId,
    quantity: Number(quantity),
    releasedVersion: release === 'held' ? undefined : Number(release),
    version: Number(version),
    decidedAtMs: Number(decidedAtMs),
  };
}
