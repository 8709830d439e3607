import fc from 'fast-check';

/** What can happen to a lane between two looks at it. Plain data, so that a counterexample can be read and shrunk. */
export type Command =
  | { do: 'reserve'; process: number; requests: Wish[]; backlogMax: number }
  | { do: 'configure'; terms: Terms; isLate: boolean }
  /** Their units come back, as expiry and cancelling have it. `nths` counts the orders there are; beyond them is none. */
  | { do: 'give back'; process: number; nths: number[] }
  | { do: 'load'; total: number; inAnotherEpoch: boolean }
  | { do: 'close' | 'open'; underAnOldToken: boolean }
  | { do: 'arm'; comparedBefore: boolean }
  /** A process is replaced by one that was never answered anything. */
  | { do: 'replace process'; process: number }
  /** What is there now survives the next loss. */
  | { do: 'reach the disk' }
  /** The lane goes back to what reached the disk last. */
  | { do: 'lose the tail' }
  /** The same data on a Redis with another run id. */
  | { do: 'restart' }
  | { do: 'empty' };

export interface Wish {
  buyer: string;
  key: string;
  quantity: number;
}

export interface Terms {
  window: 'before' | 'open' | 'over';
  paused: boolean;
  ended: boolean;
  perUserLimit: number;
}

export interface Scenario {
  /** The first one of the lane. */
  epoch: number;
  total: number;
  perUserLimit: number;
  commands: Command[];
}

export const PROCESSES = 3;
const BATCH_MAX = 64;

/** Versions of this epoch, and of a hundred more, are whole numbers to Lua; from epoch 100 on Lua rounds what it prints. */
const EPOCH_MAX = 8_900;

/** Few, so that duplicates are common; each with a character that a pattern or a separator might stumble over. */
const buyers = fc.constantFrom('ann', 'auth0|bob', 'c.d@e-f:g_h');

/** Some begin or end like others. A buyer comes to 20 orders only through the numbered ones. */
const keys = fc.oneof(
  fc.constantFrom('k', 'k1', 'k.1', 'k-1', '1', 'held'),
  fc.integer({ min: 1, max: 40 }).map((n) => `k${n}`),
);

/** Mostly the same ones, so that a key often comes again with its own quantity. */
const quantities = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(1, 1, 2) }, fc.integer({ min: 1, max: 25 }));

const wish: fc.Arbitrary<Wish> = fc.record({ buyer: buyers, key: keys, quantity: quantities });

const fewWishes = fc.array(wish, { minLength: 1, maxLength: 3 });

const wishes = fc.oneof(fewWishes, fc.array(wish, { minLength: 1, maxLength: BATCH_MAX, size: 'max' }));

/** Either soon sold out, or large enough for somebody's twentieth order. */
const stocks = fc.oneof(
  fc.record({ total: fc.integer({ min: 0, max: 30 }), perUserLimit: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ total: fc.integer({ min: 100, max: 500 }), perUserLimit: fc.integer({ min: 20, max: 200 }) }),
);

const seldom = fc.integer({ min: 0, max: 3 }).map((n) => n === 3);
const caller = fc.nat({ max: PROCESSES - 1 });

const terms: fc.Arbitrary<Terms> = fc.record({
  window: fc.constantFrom('open', 'open', 'before', 'over'),
  paused: seldom,
  ended: seldom,
  perUserLimit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 20, max: 200 })),
});

const once = (name: 'reach the disk' | 'lose the tail' | 'restart' | 'empty'): fc.Arbitrary<Command> =>
  fc.constant({ do: name });

/** Mostly room for all; nothing is ever recorded here, so that a small one is soon reached. */
const backlogMax = fc.oneof({ weight: 4, arbitrary: fc.constant(1_000) }, fc.nat({ max: 12 }));

const reserve = (requests: fc.Arbitrary<Wish[]>): fc.Arbitrary<Command> =>
  fc.record({ do: fc.constant('reserve' as const), process: caller, requests, backlogMax });

const configure = fc.record({ do: fc.constant('configure' as const), terms, isLate: seldom });
/** Mostly of the first orders: of those there are, and that were given back before. */
const nths = fc.array(fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 30 })), { minLength: 1, maxLength: 4 });
const giveBack = fc.record({ do: fc.constant('give back' as const), process: caller, nths });
const load = fc.record({
  do: fc.constant('load' as const),
  total: fc.integer({ min: 0, max: 30 }),
  inAnotherEpoch: seldom,
});
const close = fc.record({ do: fc.constant('close' as const), underAnOldToken: seldom });
const open = fc.record({ do: fc.constant('open' as const), underAnOldToken: seldom });
const arm = fc.record({ do: fc.constant('arm' as const), comparedBefore: seldom });
const replaceProcess = fc.record({ do: fc.constant('replace process' as const), process: caller });

/** A loss takes several steps to be noticed, or to slip by: too many for chance alone. */
function lossAmid(reserving: fc.Arbitrary<Command>, restart: fc.Arbitrary<Command>): fc.Arbitrary<Command[]> {
  const some = fc.array(reserving, { minLength: 1, maxLength: 3 });
  return fc.tuple(once('reach the disk'), some, once('lose the tail'), restart, arm, some).map((steps) => steps.flat());
}

interface Weighted {
  weight: number;
  arbitrary: fc.Arbitrary<Command | Command[]>;
}

const alone: Weighted[] = [
  { weight: 18, arbitrary: reserve(wishes) },
  { weight: 5, arbitrary: fc.tuple(configure, reserve(fewWishes)) },
  { weight: 5, arbitrary: giveBack },
  { weight: 2, arbitrary: load },
  { weight: 1, arbitrary: close },
  { weight: 5, arbitrary: open },
  { weight: 3, arbitrary: arm },
  { weight: 1, arbitrary: replaceProcess },
  { weight: 2, arbitrary: once('reach the disk') },
  { weight: 1, arbitrary: once('lose the tail') },
  { weight: 1, arbitrary: once('empty') },
];

const scenarioOf = (steps: Weighted[]): fc.Arbitrary<Scenario> =>
  fc
    .record({
      epoch: fc.constantFrom(1, 99, EPOCH_MAX),
      stock: stocks,
      steps: fc.array(fc.oneof(...steps), { minLength: 1, maxLength: 20, size: 'max' }),
    })
    .map(({ epoch, stock, steps: parts }) => ({ epoch, ...stock, commands: parts.flat() }));

export const scenarios = scenarioOf([
  ...alone,
  { weight: 1, arbitrary: once('restart') },
  { weight: 3, arbitrary: lossAmid(reserve(fewWishes), once('restart')) },
]);

/** Without restarts: `Stock` remembers the run id that the server named, and a test cannot give the server another. */
export const scenariosOnOneRedis = scenarioOf([
  ...alone,
  { weight: 3, arbitrary: lossAmid(reserve(fewWishes), once('reach the disk')) },
]);
