import type { LaneInRedis } from '../../src/stock/lane-gate.js';
import { judgeLane, type LaneInPostgres } from '../../src/stock/lane-verdict.js';

/** An open lane of epoch 3 with ten decisions, of which Postgres has recorded eight. */
const REDIS: LaneInRedis = {
  state: 'open',
  epoch: 3,
  version: 3_000_000_000_010,
  recorded: 8,
  runId: 'this',
  serverRunId: 'this',
  lost: undefined,
  closedBecause: undefined,
  guardToken: 1,
};
const POSTGRES: LaneInPostgres = {
  epoch: 3,
  runId: 'this',
  maxVersion: 3_000_000_000_008,
  recorded: 8,
  neverLoaded: false,
  rebuildAsked: null,
};

const judge = (redis: Partial<LaneInRedis>, postgres: Partial<LaneInPostgres> = {}) =>
  judgeLane({ ...REDIS, ...redis }, { ...POSTGRES, ...postgres });

const RESTARTED = { runId: 'earlier' };

describe('the verdict on a lane', () => {
  it('is open when Redis and Postgres name the Redis that answers', () => {
    expect(judge({})).toEqual({ is: 'open' });
  });

  it('is open when Postgres has recorded decisions after Redis was read', () => {
    expect(judge({}, { maxVersion: 3_000_000_000_012, recorded: 12 })).toEqual({ is: 'open' });
  });

  it.each<[string, Partial<LaneInRedis>, Partial<LaneInPostgres>]>([
    ['both name an earlier Redis', RESTARTED, RESTARTED],
    ['a guard stopped after Postgres had taken the new Redis over', RESTARTED, {}],
    ['everything was recorded', RESTARTED, { maxVersion: REDIS.version, recorded: 10 }],
    ['acknowledgements of recorded decisions were lost', { ...RESTARTED, recorded: 0 }, RESTARTED],
  ])('is restarted when %s', (_, redis, postgres) => {
    expect(judge(redis, postgres)).toEqual({ is: 'restarted' });
  });

  it.each<[string, RegExp, Partial<LaneInRedis>, Partial<LaneInPostgres>]>([
    ['Redis has no such lane', /no such lane/, { state: 'missing' }, {}],
    ['a loss is noted', /lost decisions up to version 3000000000011/, { lost: 3_000_000_000_011 }, {}],
    ['a loss is noted and the lane closed', /lost decisions/, { state: 'closed', lost: 1, closedBecause: 'x' }, {}],
    ['a guard closed it', /^lost 2 sales$/, { state: 'closed', closedBecause: 'lost 2 sales' }, {}],
    ['it is closed and nobody says why', /says that it is closed/, { state: 'closed' }, {}],
    ['Redis is in an earlier epoch', /Redis is in epoch 2, Postgres in 3/, { epoch: 2 }, {}],
    ['Redis is in a later epoch', /Redis is in epoch 4, Postgres in 3/, { epoch: 4 }, {}],
    ['only Postgres names another Redis', /another Redis than/, {}, RESTARTED],
    ['a third Redis came between', /another Redis than/, { runId: 'first' }, { runId: 'second' }],
    [
      'another Redis is one decision behind',
      /Redis is behind/,
      RESTARTED,
      { ...RESTARTED, maxVersion: 3_000_000_000_011 },
    ],
    ['another Redis knows of one record more', /Postgres is behind/, { ...RESTARTED, recorded: 9 }, {}],
  ])('is lost, and says why, when %s', (_, because, redis, postgres) => {
    expect(judge(redis, postgres)).toMatchObject({ is: 'lost', because: expect.stringMatching(because) as string });
  });

  it.each<[string, Partial<LaneInRedis>, Partial<LaneInPostgres>]>([
    ['Redis has no such lane', { state: 'missing', epoch: 0, version: 0 }, { epoch: 0, runId: null, maxVersion: 0 }],
    ['an opening was cut short', { state: 'closed', closedBecause: 'being opened' }, { runId: null }],
    ['Redis was emptied', { state: 'missing' }, {}],
    ['Redis is in another epoch', { epoch: 2 }, {}],
  ])('is new when no sale was ever announced and %s', (_, redis, postgres) => {
    expect(judge(redis, { ...postgres, neverLoaded: true })).toEqual({ is: 'new' });
  });

  it('is open or restarted rather than new when nothing is wrong, though no sale was ever announced', () => {
    expect(judge({}, { neverLoaded: true })).toEqual({ is: 'open' });
    expect(judge(RESTARTED, { neverLoaded: true })).toEqual({ is: 'restarted' });
  });

  it.each<[string, Partial<LaneInRedis>]>([
    ['is in a later epoch', { epoch: 4 }],
    ['knows of more records', { recorded: 9 }],
  ])('is lost, and Redis ahead, when it %s, though no sale was ever announced', (_, redis) => {
    expect(judge(redis, { neverLoaded: true })).toMatchObject({ is: 'lost', isAhead: true });
    expect(judge(redis)).toMatchObject({ is: 'lost', isAhead: true });
  });

  it('is lost as long as an operator wants a rebuild, and says who', () => {
    const verdict = { is: 'lost', because: 'olga asked for a rebuild', isAhead: false };
    expect(judge({}, { rebuildAsked: 'olga asked for a rebuild' })).toEqual(verdict);
  });
});
