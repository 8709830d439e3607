import { baseOf } from '../../src/stock/version.js';
import type { Books, Letter } from './books.js';
import { emptyLane, type Entry, type Lane, NOTHING_SEEN, type Order, type Seen } from './lane.js';

/** One state of everything that takes part. Plain and never changed: a step makes another one. */
export interface System {
  redis: Lane;
  /** What an earlier moment left on a disk, or in a backup; from there it may come back. */
  copies: readonly Lane[];
  books: Books;
  /** What a replica of Postgres has. */
  replica: Books | undefined;
  apis: readonly Api[];
  /** Nothing in their hands: idle, or dead. */
  workers: readonly (Hands | undefined)[];
  guards: readonly Guard[];
  giver: Giver;
  world: World;
}

/** A process that reserves. */
export interface Api {
  seen: Seen;
  /** The latest order that it knows of. No process has this memory: it is there to check what `seen` is for. */
  knows?: string;
  /** The answer of Redis is on its way. */
  reply?: Reply;
}

export interface Reply {
  buyer: string;
  seen: Seen;
  /** None for a refusal. */
  orderId?: string;
}

/** Entries that were taken off the stream, or orders found in `buyers`, on their way into the books. */
export interface Hands {
  runId: string;
  /** Set when they were found in `buyers`: the epoch in which the lane is drained. */
  drainedIn?: number;
  known?: { epoch: number; recorded: number } | undefined;
  /** Batches: each is stored by one transaction. */
  toStore: readonly (readonly Entry['order'][])[];
  /** What the latest transaction said. */
  epoch: number;
  recorded: number;
  /** Left alone by it: to be looked at. */
  passedOver: readonly Entry['order'][];
  toBury: readonly Letter[];
  toStrikeOff: readonly string[];
  /** Stored, to be acknowledged. */
  done: readonly string[];
}

/** A lane as a guard has read it. */
export interface Look {
  state: Lane['state'];
  epoch: number;
  version: number;
  recorded: number;
  runId: string;
  serverRunId: string;
  lost: number | undefined;
  guardToken: number;
  /** For the verdict's text only. */
  closedBecause: undefined;
}

/** Under what a guard rebuilds. */
export interface Term {
  token: number;
  runId: string;
  epochInRedis: number;
  recordedInRedis: number;
  /** The epoch in which the lane is drained, once it is claimed. */
  epochInBooks: number;
  /** What Redis knows to be recorded, Postgres does not know. */
  wentBack: boolean;
}

/** Where a guard stands. Each place is left by one script or one transaction. */
export type Guard =
  | { at: 'rest' }
  | { at: 'reading the books'; look: Look }
  | { at: 'raising recorded'; epoch: number; recorded: number }
  | { at: 'taking over'; look: Look; judgedRunId: string }
  | { at: 'arming'; look: Look; token: number }
  | { at: 'raising the token'; inRedis: number }
  | { at: 'closing'; token: number }
  | ({ at: 'claiming' | 'draining' | 'reading buyers' | 'starting the epoch' } & Term)
  | ({ at: 'storing entries'; hands: Hands } & Term)
  | ({
      at: 'finishing again' | 'recording releases' | 'storing buyers';
      hands: Hands;
      released: readonly Order[];
    } & Term)
  | ({ at: 'reading the new books'; epoch: number; recorded: number } & Term)
  | ({
      at: 'writing the sale' | 'writing buyers' | 'opening';
      orders: readonly Order[];
      epoch: number;
      recorded: number;
    } & Term);

/** Given back in Redis. */
export interface GivenBack {
  orderId: string;
  version: number;
  runId: string;
  recorded: number;
}

/** Gives the units of expired orders back. */
export interface Giver {
  seen: Seen;
  /** Read in the books. */
  orderId?: string;
  /** To be recorded. */
  given?: GivenBack;
}

/** What nobody in the system knows: what clients were answered, what faults destroyed, and what may still happen. */
export interface World {
  /** How many orders each buyer ever got. */
  made: Readonly<Record<string, number>>;
  /** Orders that their buyers were told of. */
  promised: readonly string[];
  /** Orders that a fault destroyed before they were stored. */
  destroyed: readonly string[];
  restarts: number;
  faults: number;
}

/** What may happen in one exploration. */
export interface Bounds {
  total: number;
  /** How many orders each buyer may get at most. All have one key. */
  buyers: Readonly<Record<string, number>>;
  /** Asks again whenever it likes, also when it was answered. */
  duplicates: readonly string[];
  apis: number;
  workers: number;
  guards: number;
  /** Whose orders may expire, and are given back then. */
  expires: readonly string[];
  pays: boolean;
  faults: number;
  kinds: readonly Fault[];
  copies: number;
  epochMax: number;
  /** An answer takes a step of its own. */
  slowReplies: boolean;
  /** A guard reads Redis and the books in two steps. */
  slowLooks: boolean;
}

export type Fault =
  'restart' | 'older copy' | 'flush' | 'empty' | 'api crash' | 'deleted entry' | 'rebuild asked' | 'postgres goes back';

export const REST: Guard = { at: 'rest' };
const NO_REPLY: Api = { seen: NOTHING_SEEN };
export const IDLE_GIVER: Giver = { seen: NOTHING_SEEN };
const FIRST_EPOCH = 1;
const RUN_ID = 'r0';

/** Open to everybody and no limit to hit: what the terms of a sale do is known from the property tests. */
export const TERMS = { version: 1, paused: false, ended: false, startsAtMs: 0, endsAtMs: 1, perUserLimit: 20 };

/** The sale is loaded, and nothing was ever sold. */
export function initially({ total, buyers, apis, workers, guards, faults }: Bounds): System {
  const opened = {
    state: 'open',
    epoch: FIRST_EPOCH,
    version: baseOf(FIRST_EPOCH),
    recorded: 0,
    runId: RUN_ID,
  } as const;
  return {
    redis: { ...emptyLane(RUN_ID), ...opened, sale: { total, configuration: TERMS, orders: [] } },
    copies: [],
    books: {
      epoch: FIRST_EPOCH,
      runId: RUN_ID,
      maxVersion: baseOf(FIRST_EPOCH),
      recorded: 0,
      guardToken: 0,
      total,
      held: 0,
      rows: [],
      letters: [],
      rebuildAsked: null,
    },
    replica: undefined,
    apis: Array.from({ length: apis }, () => NO_REPLY),
    workers: Array.from({ length: workers }, () => undefined),
    guards: Array.from({ length: guards }, () => REST),
    giver: IDLE_GIVER,
    world: {
      made: Object.fromEntries(Object.keys(buyers).map((buyer) => [buyer, 0])),
      promised: [],
      destroyed: [],
      restarts: 0,
      faults,
    },
  };
}

/** Who does a step: what heals, what clients want, and what breaks. */
export type Kind = 'work' | 'wish' | 'crash' | 'fault';

/** Told of each step that is possible. `violated` names a promise that the step itself breaks. */
export type Emit = (kind: Kind, name: string, next: System, violated?: string) => void;

export const withOne = <T>(all: readonly T[], index: number, one: T): readonly T[] => all.with(index, one);
