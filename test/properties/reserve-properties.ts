import fc from 'fast-check';
import type { Corner } from '../support/corner.js';
import { argumentsOf, type MalformedCall, malformedCalls } from './malformed-calls.js';
import { callScript, type Processes } from './processes.js';
import { RealLane } from './real-lane.js';
import type { Scenario } from './stock-commands.js';
import { type Met, Walk } from './walk.js';

const HOUR_MS = 3_600_000;

/** Whatever happens to a lane, reserve-stock.lua answers and leaves behind what the model does. */
export function decidesAsTheModelDoes(
  corner: Corner,
  scenarios: fc.Arbitrary<Scenario>,
  by: { processes: () => Processes; met?: Met },
): fc.IAsyncProperty<[Scenario]> {
  return fc.asyncProperty(scenarios, async (scenario) => {
    const real = new RealLane(corner.redis, corner.blockingRedis);
    await Walk.through(scenario, { real, processes: by.processes(), met: by.met ?? new Set() });
  });
}

/** A call with anything malformed in it fails, and writes nothing for the requests before it either. */
export function refusesMalformedCalls(corner: Corner, source: string): fc.IAsyncProperty<[MalformedCall]> {
  return fc.asyncProperty(malformedCalls, async (call) => {
    const lane = await anOpenLane(corner);
    const args = argumentsOf(call, lane.saleId);
    const wasWritten = await lane.isWrittenBy(() =>
      expect(callScript(lane, source, args)).rejects.toThrow('is malformed'),
    );
    expect(wasWritten).toBe(false);
  });
}

/** Open to anybody, with enough for everybody. */
export async function anOpenLane(corner: Corner): Promise<RealLane> {
  const lane = new RealLane(corner.redis, corner.blockingRedis);
  const runId = await lane.gate.close(lane.number, 1, 'new');
  await lane.gate.open(lane.number, 1, { epoch: 1, runId: runId as string });
  const now = Date.now();
  const configuration = {
    version: 1,
    paused: false,
    ended: false,
    startsAtMs: now - HOUR_MS,
    endsAtMs: now + HOUR_MS,
    perUserLimit: 10_000,
  };
  await lane.stock.load(lane.number, lane.saleId, { epoch: 1, total: 10_000, configuration });
  return lane;
}
