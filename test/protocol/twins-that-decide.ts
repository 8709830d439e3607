import { bounds, faults } from './configurations.js';
import { type Lane, NOTHING_SEEN, type Order, unitsAvailable } from './lane.js';
import { protocol } from './protocol.js';
import type { Twin } from './broken-twins.js';

const withOrders = (lane: Lane, change: (order: Order) => Order | undefined): Lane => {
  if (!lane.sale) return lane;
  return { ...lane, sale: { ...lane.sale, orders: lane.sale.orders.flatMap((order) => change(order) ?? []) } };
};

/** Mistakes of those who decide. */
export const TWINS_THAT_DECIDE: Record<string, Twin> = {
  'the script does not know a key again': {
    bounds: bounds({ total: 2, buyers: { ann: 2 }, duplicates: ['ann'] }),
    rules: {
      reserve: (lane, { requests, ...call }) =>
        protocol.reserve(lane, { ...call, requests: requests.map((one) => ({ ...one, idempotencyKey: one.orderId })) }),
    },
    breaks: 'a refusal has no effect',
    steps: 3,
  },
  'keys are forgotten when their order is stored': {
    bounds: bounds({ total: 2, buyers: { ann: 2 }, duplicates: ['ann'] }),
    rules: {
      reserve: (lane, call) => {
        const isRemembered = ({ orderId }: Order) => lane.stream.some(({ order }) => order.orderId === orderId);
        const forgetful = withOrders(lane, (order) => (isRemembered(order) ? order : { ...order, idempotencyKey: '' }));
        const [next, decisions] = protocol.reserve(forgetful, call);
        return [withOrders(next, (order) => ({ ...order, idempotencyKey: 'k' })), decisions];
      },
    },
    breaks: 'the database refuses nothing',
    steps: 8,
  },
  'sold out is answered before the key is looked for': {
    bounds: bounds({ duplicates: ['ann'] }),
    rules: {
      reserve: (lane, call) =>
        lane.sale && unitsAvailable(lane.sale) === 0
          ? [lane, call.requests.map(() => ({ outcome: 'SOLD_OUT' }))]
          : protocol.reserve(lane, call),
    },
    breaks: 'a refusal has no effect',
    steps: 2,
  },
  'units are taken in one call and the order is enqueued in another': {
    bounds: bounds({}),
    rules: {
      reserve: (lane, call) => {
        const [next, decisions] = protocol.reserve(lane, call);
        return [{ ...next, stream: lane.stream }, decisions];
      },
    },
    breaks: 'an accepted order is on its way',
    steps: 1,
  },
  'a warm-up loads the sale again': {
    bounds: bounds({}),
    more: ({ redis, ...system }, emit) => {
      if (redis.sale) emit('wish', 'the sale is loaded', { ...system, redis: withOrders(redis, () => undefined) });
    },
    breaks: 'no acceptance is lost',
    steps: 2,
  },
  'a restarted Redis decides at once': {
    bounds: bounds({ ...faults(1, 'older copy') }),
    rules: {
      reserve: (lane, call) => {
        const [next, decisions] = protocol.reserve({ ...lane, runId: lane.serverRunId }, call);
        return [{ ...next, runId: lane.runId }, decisions];
      },
    },
    breaks: 'nothing is sold twice',
    steps: 9,
  },
  'a process does not say what it was answered': {
    bounds: bounds({ ...faults(1, 'older copy') }),
    rules: { reserve: (lane, call) => protocol.reserve(lane, { ...call, seen: NOTHING_SEEN }) },
    breaks: 'a loss is noticed',
    steps: 7,
  },
  'nobody notes at which version a Redis ended': {
    bounds: bounds({ total: 2, ...faults(1, 'older copy'), apis: 2 }),
    rules: {
      arm: (lane, token, compared) => {
        const [next, isArmed] = protocol.arm(lane, token, compared);
        return [next === lane ? lane : { ...next, ends: {} }, isArmed];
      },
    },
    breaks: 'a loss is noticed',
    steps: 8,
  },
  'units come back twice': {
    bounds: bounds({ expires: ['ann'], buyers: { ann: 1 } }),
    rules: {
      release: (lane, call) => {
        const held = withOrders(lane, (order) =>
          call.orderIds.includes(order.orderId) ? { ...order, releasedVersion: undefined } : order,
        );
        return protocol.release(held, call);
      },
    },
    breaks: 'the difference is in flight',
    steps: 8,
  },
  'units come back before the order has expired': {
    bounds: bounds({ buyers: { ann: 1 } }),
    more: ({ redis, ...system }, emit) => {
      const orderIds = system.books.rows.map(({ orderId }) => orderId);
      const [released] = protocol.release(redis, { seen: NOTHING_SEEN, orderIds });
      if (released !== redis) emit('wish', 'units of a pending order are given back', { ...system, redis: released });
    },
    breaks: 'what is on sale is free in Postgres',
    steps: 4,
  },
};
