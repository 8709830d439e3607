/** An order as the reserve script puts it on the stream, schema version 1. */
export interface AcceptedOrder {
  orderId: string;
  saleId: string;
  buyer: string;
  idempotencyKey: string;
  quantity: number;
  version: number;
  /** Redis' clock. */
  decidedAtMs: number;
}

export type Decoded = { order: AcceptedOrder } | { unreadableBecause: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Each field with what it must look like; anything else on the stream was not written by the reserve script. */
const FIELDS = {
  v: /^1$/,
  order: UUID,
  sale: UUID,
  buyer: /^[A-Za-z0-9._:@|-]{1,64}$/,
  key: /^[A-Za-z0-9._-]{1,64}$/,
  units: /^[1-9]\d{0,2}$/,
  version: /^[1-9]\d{0,15}$/,
  at: /^[1-9]\d{0,14}$/,
} as const;

type Field = keyof typeof FIELDS;
const FIELD_NAMES = Object.keys(FIELDS) as Field[];

/** Where the version of an order stands among the fields of its entry, counted from 0. */
export const VERSION_POSITION = FIELD_NAMES.indexOf('version') * 2 + 1;

/** @param fields name and value by turns, as Redis returns an entry; null for an entry that was deleted. */
export function decodeOrder(fields: readonly string[] | null): Decoded {
  if (fields === null) return { unreadableBecause: 'the entry was deleted before it was stored' };
  if (fields.length !== FIELD_NAMES.length * 2) return { unreadableBecause: `it has ${fields.length / 2} fields` };

  const values = {} as Record<Field, string>;
  for (const [index, name] of FIELD_NAMES.entries()) {
    const value = fields[index * 2 + 1] ?? '';
    if (fields[index * 2] !== name) return { unreadableBecause: `field ${index + 1} is not '${name}'` };
    if (!FIELDS[name].test(value)) return { unreadableBecause: `field '${name}' is malformed` };
    values[name] = value;
  }
  return {
    order: {
      orderId: values.order,
      saleId: values.sale,
      buyer: values.buyer,
      idempotencyKey: values.key,
      quantity: Number(values.units),
      version: Number(values.version),
      decidedAtMs: Number(values.at),
    },
  };
}

/** The fields of an entry that decodes to this order. */
export const encodeOrder = (order: AcceptedOrder): string[] => [
  ...['v', '1', 'order', order.orderId, 'sale', order.saleId, 'buyer', order.buyer, 'key', order.idempotencyKey],
  ...['units', String(order.quantity), 'version', String(order.version), 'at', String(order.decidedAtMs)],
];
