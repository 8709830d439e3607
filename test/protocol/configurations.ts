import { HEALS } from './promises.js';
import type { Bounds, Fault } from './system.js';

/** One unit, two buyers, one of everything. */
const SMALLEST: Bounds = {
  total: 1,
  buyers: { ann: 1, bob: 1 },
  duplicates: [],
  apis: 1,
  workers: 1,
  guards: 1,
  expires: [],
  pays: false,
  faults: 0,
  kinds: [],
  copies: 1,
  epochMax: 2,
  slowReplies: false,
  slowLooks: false,
};

/** The smallest bounds, but for what is given. */
export const bounds = (wished: Partial<Bounds>): Bounds => ({ ...SMALLEST, ...wished });

/** As many of these faults as wished. */
export const faults = (count: number, ...kinds: Fault[]): Pick<Bounds, 'faults' | 'kinds'> => ({
  faults: count,
  kinds,
});

export interface Configuration {
  bounds: Bounds;
  /** What is claimed in it: every promise, unless some are named. */
  promises?: readonly string[];
}

/**
 * A Postgres that has forgotten what it had committed is outside of what Stampede can undo (GUARANTEES.md): a unit may be sold
 * of which only the forgotten part knew that it was taken. Then the veto holds, and the lane heals.
 */
const OF_A_FORGETFUL_POSTGRES = ['Redis conserves', 'Postgres conserves', 'one order for each key', HEALS];

/** An order whose entry was deleted waits in `buyers` until the lane is rebuilt. */
const OF_DELETED_ENTRIES = [
  'Redis conserves',
  'Postgres conserves',
  'the database refuses nothing',
  'only what was lost is set aside',
  'nothing is sold twice',
  'what is on sale is free in Postgres',
  'no acceptance is lost',
  'nothing is decided in an old epoch',
];

const THREE_BUYERS = { ann: 2, bob: 1, cid: 1 };
const ANN = { ann: 1 };
const TWICE = { duplicates: ['ann'] };

/** A few seconds: part of every test run. */
export const SMALL: Record<string, Configuration> = {
  'nothing breaks: orders expire, are given back and sold again': {
    bounds: bounds({ expires: ['ann', 'bob'], pays: true }),
  },
  'Redis restarts': { bounds: bounds({ ...TWICE, buyers: { ann: 2, bob: 1 }, workers: 2, ...faults(1, 'restart') }) },
  'Redis loses its tail': { bounds: bounds({ total: 2, ...faults(1, 'older copy') }) },
  'Redis is emptied': { bounds: bounds({ ...faults(2, 'flush', 'empty') }) },
  'two guards': { bounds: bounds({ buyers: ANN, guards: 2, ...faults(1, 'flush') }) },
};

/** Some minutes in all, by `npm run explore`. */
export const LARGE: Record<string, Configuration> = {
  'two workers, a duplicate key, Redis restarts twice': {
    bounds: bounds({ total: 2, buyers: THREE_BUYERS, ...TWICE, workers: 2, ...faults(2, 'restart') }),
  },
  'two workers, Redis is emptied': {
    bounds: bounds({ total: 2, buyers: { ann: 2, bob: 1 }, ...TWICE, workers: 2, ...faults(1, 'flush', 'empty') }),
  },
  'two processes, three buyers, Redis loses its tail': {
    bounds: bounds({ apis: 2, total: 2, buyers: { ann: 1, bob: 1, cid: 1 }, ...faults(1, 'older copy') }),
  },
  'two processes that may die, slow answers, Redis loses its tail': {
    bounds: bounds({ apis: 2, slowReplies: true, ...faults(2, 'older copy', 'api crash') }),
  },
  'any two faults of Redis, up to four epochs': {
    bounds: bounds({ ...faults(2, 'restart', 'older copy', 'flush', 'empty'), epochMax: 4 }),
  },
  'any three faults of Redis, two copies': {
    bounds: bounds({ buyers: ANN, copies: 2, ...faults(3, 'restart', 'older copy', 'flush', 'empty'), epochMax: 3 }),
  },
  'two guards, Redis is emptied': { bounds: bounds({ guards: 2, ...faults(1, 'flush'), epochMax: 3 }) },
  'two guards that look slowly, Redis restarts or loses its tail': {
    bounds: bounds({ buyers: ANN, guards: 2, slowLooks: true, ...faults(2, 'restart', 'older copy') }),
  },
  'units come back, Redis loses its tail': { bounds: bounds({ expires: ['ann'], ...faults(1, 'older copy') }) },
  'units come back, Redis is emptied': {
    bounds: bounds({ expires: ['ann', 'bob'], pays: true, ...faults(1, 'flush') }),
  },
  'units come back, any two faults of Redis': {
    bounds: bounds({ buyers: ANN, expires: ['ann'], ...faults(2, 'restart', 'older copy', 'flush'), epochMax: 3 }),
  },
  'units come back, two guards, Redis is emptied': {
    bounds: bounds({ buyers: ANN, expires: ['ann'], guards: 2, ...faults(1, 'flush') }),
  },
  'a loss, a rebuild that is asked for, an older copy': {
    bounds: bounds({ ...faults(3, 'older copy', 'flush', 'rebuild asked'), epochMax: 3 }),
  },
  'two guards, an entry is deleted, Redis is emptied': {
    bounds: bounds({ buyers: ANN, guards: 2, ...faults(3, 'deleted entry', 'flush', 'rebuild asked') }),
    promises: OF_DELETED_ENTRIES,
  },
  'Postgres goes back': {
    bounds: bounds({ total: 2, ...faults(1, 'postgres goes back'), epochMax: 3 }),
    promises: OF_A_FORGETFUL_POSTGRES,
  },
  'units come back, Postgres goes back': {
    bounds: bounds({ expires: ['ann'], ...faults(1, 'postgres goes back'), epochMax: 3 }),
    promises: OF_A_FORGETFUL_POSTGRES,
  },
  'Postgres goes back, Redis is emptied': {
    bounds: bounds({ buyers: { ann: 2 }, ...faults(2, 'postgres goes back', 'flush'), epochMax: 3 }),
    promises: OF_A_FORGETFUL_POSTGRES,
  },
};
