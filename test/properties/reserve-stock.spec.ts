import { REFUSALS } from '../../src/stock/decision.js';
import { aRequest, Corner } from '../support/corner.js';
import { argumentsOf } from './malformed-calls.js';
import { RELEASE_STOCK, RESERVE_STOCK } from './planted-bugs.js';
import { callScript, ScriptProcesses, TypedProcesses } from './processes.js';
import { anOpenLane, decidesAsTheModelDoes, refusesMalformedCalls } from './reserve-properties.js';
import { GIVE_UP_AFTER_MS, holds } from './runs.js';
import { scenarios, scenariosOnOneRedis } from './stock-commands.js';
import type { Met } from './walk.js';

const SCRIPTS = { reserve: RESERVE_STOCK, release: RELEASE_STOCK };
const RELEASES = ['RELEASED', 'ALREADY', 'MISSING'];

describe('reserving stock', () => {
  let corner: Corner;
  beforeAll(async () => (corner = await Corner.open()));
  afterAll(() => corner.close());

  it(
    'decides as the model does when a lane is steered, closed, emptied, restarted or has lost its tail',
    async () => {
      const processes = () => new ScriptProcesses(SCRIPTS);
      await holds(decidesAsTheModelDoes(corner, scenarios, { processes }), 100);
    },
    GIVE_UP_AFTER_MS,
  );

  it(
    'decides as the model does when processes reserve through the typed door, each with its own memory',
    async () => {
      const processes = () => new TypedProcesses(corner.redis);
      await holds(decidesAsTheModelDoes(corner, scenariosOnOneRedis, { processes }), 60);
    },
    GIVE_UP_AFTER_MS,
  );

  it.each([
    ['by EVAL', () => new ScriptProcesses(SCRIPTS), scenarios],
    ['through the typed door', () => new TypedProcesses(corner.redis), scenariosOnOneRedis],
  ])(
    'is asked %s for every outcome there is, or nothing would be known of the others',
    async (_, processes, arbitrary) => {
      const met: Met = new Set();
      await holds(decidesAsTheModelDoes(corner, arbitrary, { processes, met }), 40, '1');
      expect([...met].sort()).toEqual(['ACCEPTED', 'REPEATED', ...REFUSALS, ...RELEASES].sort());
    },
    GIVE_UP_AFTER_MS,
  );

  it(
    'writes nothing at all when anything in a call is malformed, also for the valid requests before it',
    () => holds(refusesMalformedCalls(corner, RESERVE_STOCK), 200),
    GIVE_UP_AFTER_MS,
  );

  it('accepts the longest names and the largest quantities that can be stored', async () => {
    const lane = await anOpenLane(corner);
    const args = argumentsOf({ requests: 8, wrong: { position: 'sale', value: lane.saleId } }, lane.saleId);

    const [, ...replies] = (await callScript(lane, RESERVE_STOCK, args)) as string[][];

    expect(replies.map(([outcome]) => outcome)).toEqual(Array.from({ length: 8 }, () => 'ACCEPTED'));
    const { stream } = await lane.picture((runId) => runId);
    expect(stream.map(({ quantity }) => quantity)).toEqual([1, 9, 10, 99, 100, 999, 7, 42]);
  });

  it('sells from the millisecond in which its window opens, and not in the one in which it closes', async () => {
    const lane = await anOpenLane(corner);
    const startsAtMs = Date.now() + 100;
    const endsAtMs = startsAtMs + 100;
    const terms = { version: 2, paused: false, ended: false, startsAtMs, endsAtMs, perUserLimit: 1 };
    await lane.stock.configure(lane.number, lane.saleId, terms);

    const asked = [];
    do {
      const sentAtMs = Date.now();
      const [decision] = await lane.stock.reserve(lane.number, lane.saleId, { requests: [aRequest()] });
      asked.push({ outcome: decision?.outcome, sentAtMs, answeredAtMs: Date.now() });
    } while (asked.at(-1)?.outcome !== 'ENDED');

    const { stream } = await lane.picture((runId) => runId);
    expect(stream).toHaveLength(asked.filter(({ outcome }) => outcome === 'ACCEPTED').length);
    expect(stream.every(({ decidedAtMs }) => decidedAtMs >= startsAtMs && decidedAtMs < endsAtMs)).toBe(true);
    for (const { outcome, sentAtMs, answeredAtMs } of asked) {
      if (outcome === 'NOT_STARTED') expect(sentAtMs).toBeLessThan(startsAtMs);
      if (outcome === 'ENDED') expect(answeredAtMs).toBeGreaterThanOrEqual(endsAtMs);
    }
  });
});
