import type { Books } from './books.js';
import { bounds, faults } from './configurations.js';
import type { Lane } from './lane.js';

import { protocol } from './protocol.js';
import type { Twin } from './broken-twins.js';

const ignoringToken =
  <Args extends unknown[]>(
    script: (lane: Lane, by: { token: number; runId: string }, ...args: Args) => [Lane, boolean],
  ) =>
  (lane: Lane, by: { token: number; runId: string }, ...args: Args) =>
    script(lane, { ...by, token: lane.guardToken }, ...args);

const ignoringRunId =
  <Args extends unknown[]>(
    script: (lane: Lane, by: { token: number; runId: string }, ...args: Args) => [Lane, boolean],
  ) =>
  (lane: Lane, by: { token: number; runId: string }, ...args: Args) =>
    script(lane, { ...by, runId: lane.serverRunId }, ...args);

const behind = (books: Books): Books => ({ ...books, maxVersion: 0 });

/** Mistakes of guards. */
export const TWINS_THAT_GUARD: Record<string, Twin> = {
  'a Redis is armed without comparing versions': {
    bounds: bounds({ ...faults(1, 'older copy') }),
    rules: {
      judgeLane: (redis, postgres) => protocol.judgeLane(redis, { ...postgres, maxVersion: 0 }),
      takeOver: (books, redis, runId) => {
        const taken = protocol.takeOver(behind(books), redis, runId);
        return taken && { ...taken, maxVersion: books.maxVersion };
      },
    },
    breaks: 'what is on sale is free in Postgres',
    steps: 8,
  },
  'the script that arms compares nothing': {
    bounds: bounds({ ...faults(2, 'restart', 'older copy') }),
    rules: {
      arm: (lane, token, compared) =>
        protocol.arm(lane, token, {
          ...compared,
          epoch: lane.epoch ?? 0,
          version: lane.version ?? 0,
          runId: lane.serverRunId,
        }),
    },
    breaks: 'what is on sale is free in Postgres',
    steps: 9,
  },
  'a rebuild does not drain': {
    bounds: bounds({ ...faults(1, 'restart'), apis: 1 }),
    rules: {
      judgeLane: (redis, postgres) => {
        const verdict = protocol.judgeLane(redis, postgres);
        return verdict.is === 'restarted' ? { is: 'lost', because: 'it has restarted', isAhead: false } : verdict;
      },
      afterClaiming: () => 'starting the epoch',
    },
    breaks: 'no acceptance is lost',
    steps: 9,
  },
  'only orders that are alive are written': {
    bounds: bounds({ expires: ['ann'], ...faults(1, 'flush') }),
    rules: {
      snapshot: (books) =>
        protocol.snapshot({ ...books, rows: books.rows.filter(({ status }) => status !== 'expired') }),
    },
    breaks: 'nothing is missing',
    steps: 17,
  },
  'a new epoch does not give back what is owed': {
    bounds: bounds({ expires: ['ann'], ...faults(1, 'flush') }),
    rules: {
      startEpoch: (books, by, epochInRedis) => {
        const begun = protocol.startEpoch({ ...books, rows: [] }, by, epochInRedis);
        return begun && { ...begun, rows: books.rows };
      },
    },
    breaks: 'Redis conserves',
    steps: 22,
  },
  'scripts of a rebuild do not look at the token': {
    bounds: bounds({ guards: 2, ...faults(1, 'flush'), epochMax: 3 }),
    rules: {
      writeSale: ignoringToken(protocol.writeSale),
      writeBuyers: ignoringToken(protocol.writeBuyers),
      open: ignoringToken(protocol.open),
    },
    breaks: 'nothing is decided in an old epoch',
    steps: 18,
  },
  'scripts of a rebuild do not look at the run id': {
    bounds: bounds({ guards: 1, ...faults(2, 'older copy', 'flush'), epochMax: 3 }),
    rules: {
      writeSale: ignoringRunId(protocol.writeSale),
      writeBuyers: ignoringRunId(protocol.writeBuyers),
      open: ignoringRunId(protocol.open),
    },
    breaks: 'what is on sale is free in Postgres',
    steps: 17,
  },
  'a new epoch begins whatever the token is': {
    bounds: bounds({ guards: 2, ...faults(1, 'flush'), epochMax: 3 }),
    rules: {
      startEpoch: (books, by, epochInRedis) =>
        protocol.startEpoch(books, { ...by, token: books.guardToken }, epochInRedis),
    },
    breaks: 'nothing is decided in an old epoch',
    steps: 18,
  },
  'a restarted Redis is never armed again': {
    bounds: bounds({ ...faults(1, 'restart') }),
    rules: { takeOver: () => undefined },
    breaks: 'an open lane can be reached',
    steps: 1,
  },
  'a Redis is taken over whatever was judged': {
    bounds: bounds({ guards: 2, slowLooks: true, ...faults(2, 'restart', 'older copy') }),
    rules: { takeOver: (books, redis) => protocol.takeOver(books, redis, books.runId) },
    breaks: 'what is on sale is free in Postgres',
    steps: 13,
  },
  'buyers are read from whatever Redis answers': {
    bounds: bounds({ ...faults(3, 'older copy', 'flush', 'rebuild asked'), epochMax: 3 }),
    rules: { isStillThere: () => true },
    breaks: 'the database refuses nothing',
    steps: 28,
    isSlow: true,
  },
  'an older copy is armed that Postgres took over long ago': {
    bounds: bounds({ apis: 2, ...faults(2, 'older copy') }),
    rules: { judgeLane: (redis, inPostgres) => protocol.judgeLane(redis, { ...inPostgres, runId: redis.runId }) },
    breaks: 'a loss is noticed',
    steps: 12,
  },
};
