import { rowOf } from './books.js';
import { bounds, faults } from './configurations.js';
import { HEALS } from './promises.js';
import { protocol } from './protocol.js';
import type { Twin } from './broken-twins.js';

/** Mistakes of those who record. */
export const TWINS_THAT_RECORD: Record<string, Twin> = {
  'entries are acknowledged before they are stored': {
    bounds: bounds({}),
    rules: {
      take: (lane, which) => {
        const [next, taken] = protocol.take(lane, which);
        return [
          protocol.strikeOff(
            next,
            taken.orders.map(({ orderId }) => orderId),
          ),
          taken,
        ];
      },
    },
    breaks: 'an accepted order is on its way',
    steps: 2,
  },
  'the group begins at the end of the stream': {
    bounds: bounds({}),
    rules: {
      take: (lane, which) => {
        const isFirst = lane.recorded === 0 && lane.stream.every(({ is }) => is === 'unread');
        return isFirst
          ? [
              { ...lane, stream: [] },
              { runId: lane.serverRunId, orders: [] },
            ]
          : protocol.take(lane, which);
      },
    },
    breaks: 'an accepted order is on its way',
    steps: 2,
  },
  'what was delivered twice is set aside': {
    bounds: bounds({}),
    more: ({ redis, books, ...system }, emit) => {
      const [pending] = protocol.take(redis, 'pending')[1].orders;
      if (!pending) return;
      const { orderId } = pending;
      const listed = protocol.bury(books, { orderId, reason: 'superseded' });
      emit('work', `${orderId} is set aside`, {
        ...system,
        redis: protocol.strikeOff(redis, [orderId]),
        books: listed,
      });
    },
    breaks: 'only what was lost is set aside',
    steps: 3,
  },
  'every entry is counted, stored before or not': {
    bounds: bounds({ workers: 2 }),
    rules: {
      store: (books, batch) => {
        const stored = protocol.store(books, batch);
        if (!Array.isArray(stored)) return stored;
        const [next, { passedOver, ...said }] = stored;
        return [
          { ...next, recorded: next.recorded + passedOver.length },
          { ...said, passedOver },
        ];
      },
    },
    breaks: 'the difference is in flight',
    steps: 5,
  },
  'the fence has no run id': {
    bounds: bounds({ ...faults(1, 'older copy') }),
    rules: { store: (books, batch) => protocol.store(books, { ...batch, runId: books.runId }) },
    breaks: 'what is on sale is free in Postgres',
    steps: 8,
  },
  'the fence has no epoch': {
    bounds: bounds({ ...faults(1, 'flush') }),
    rules: { store: (books, batch) => protocol.store(books, { ...batch, drainedIn: books.epoch }) },
    breaks: 'what is on sale is free in Postgres',
    steps: 14,
  },
  'releases are recorded whatever came between': {
    bounds: bounds({ expires: ['ann'], buyers: { ann: 1 }, ...faults(1, 'older copy') }),
    rules: {
      recordReleases: (books, _, released) =>
        protocol.recordReleases(books, { epoch: books.epoch, runId: books.runId }, released),
    },
    breaks: 'units come back once',
    steps: 12,
  },
  'a late payment overwrites an expiry': {
    bounds: bounds({ expires: ['ann'], pays: true }),
    rules: {
      leave: (books, orderId, status) => {
        if (status === 'expired' || rowOf(books, orderId)?.status === 'paid') {
          return protocol.leave(books, orderId, status);
        }
        return { ...books, rows: books.rows.map((row) => (row.orderId === orderId ? { ...row, status } : row)) };
      },
    },
    breaks: 'Postgres conserves',
    steps: 5,
  },
  'what `buyers` holds is stored in any epoch': {
    bounds: bounds({ buyers: { ann: 1 }, guards: 2, ...faults(3, 'deleted entry', 'flush', 'rebuild asked') }),
    rules: {
      store: (books, batch) =>
        protocol.store(books, { ...batch, drainedIn: batch.drainedIn === undefined ? undefined : books.epoch }),
    },
    promises: ['what is on sale is free in Postgres'],
    breaks: 'what is on sale is free in Postgres',
    steps: 22,
    isSlow: true,
  },
  'an entry of a later epoch is set aside': {
    bounds: bounds({ buyers: { ann: 2 }, ...faults(2, 'postgres goes back', 'flush'), epochMax: 3 }),
    rules: {
      toBury: (books, _, orders) =>
        orders
          .filter(({ orderId }) => !rowOf(books, orderId))
          .map(({ orderId }) => ({ orderId, reason: 'superseded' })),
    },
    promises: ['only what was lost is set aside'],
    breaks: 'only what was lost is set aside',
    steps: 10,
  },
  'books that have forgotten something go on': {
    bounds: bounds({ total: 2, ...faults(1, 'postgres goes back'), epochMax: 3 }),
    rules: { store: (books, batch) => protocol.store(books, { ...batch, known: undefined }) },
    promises: [HEALS],
    breaks: 'an open lane can be reached',
    steps: 9,
    isSlow: true,
  },
};
