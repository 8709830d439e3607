import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '../test/support/eventually.js';
import { JWT_SECRET, TestSystem } from '../test/support/system.js';
import { UNLIMITED } from './unlimited.js';
import { connectRedis } from '../src/platform/redis/connect.js';
import { LaneGate, type LaneInRedis } from '../src/stock/lane-gate.js';
import { baseOf } from '../src/stock/version.js';
import { cpuUs } from './cpu.js';
import type { FloodOrder, FloodResult } from './flood.js';
import { type Measured, report, type Round, type Subject, SUBJECTS } from './report.js';
import { freePort } from '../test/support/free-port.js';

/**
 * Measures intake and persistence beside their yardsticks, all in one run, in turns, so that what the machine does
 * besides falls on all of them. Rates of one run may be compared with one another, never with those of another run.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const ROUND_MS = Number(process.env.BENCH_ROUND_MS ?? 4_000);
const REQUESTS_MAX = 100_000;
const CONNECTIONS = 128;
const DRAIN_WITHIN_MS = 120_000;

const LANE = 0;
/** Of the worker: money is measured by itself (money.ts). */
const STATIONS = 'sales,persistence,compensation,guard';

const tsx = { execArgv: ['--import', 'tsx'] };
const system = await TestSystem.start(UNLIMITED);
const redis = connectRedis(system.redisUrl, { name: 'bench', onError: (error) => console.error(error.message) });
await once(redis, 'ready');
const gate = new LaneGate(redis);
const yardsticks = {
  'Fastify with token': await startYardstick(JWT_SECRET),
  'Fastify without token': await startYardstick(undefined),
};
try {
  report({ ...(await measure()), load: { rounds: ROUNDS, roundMs: ROUND_MS, connections: CONNECTIONS } });
} finally {
  for (const { child } of Object.values(yardsticks)) child.disconnect();
  redis.disconnect();
  await system.close();
}

async function measure(): Promise<Omit<Measured, 'load'>> {
  const saleId = await system.createSale({ stock: 1_000_000_000 });
  const soldOut = await system.createSale({ stock: 0 });
  const rounds = Object.fromEntries(SUBJECTS.map((subject) => [subject, [] as Round[]])) as Measured['rounds'];
  const draining: Round[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    await system.stopRole('worker');
    const results: [Subject, Round][] = [
      ['Stampede, intake alone', await floodStampede(saleId, `alone-${round}`, '202')],
      ['Fastify with token', await floodYardstick('Fastify with token', saleId)],
    ];
    const drained = await drain();
    results.push(
      ['Stampede, storing as well', await floodStampede(saleId, `storing-${round}`, '202')],
      ['Stampede, sold out', await floodStampede(soldOut, `refused-${round}`, '409')],
      ['Fastify without token', await floodYardstick('Fastify without token', saleId)],
    );
    if (round === 0) continue; // it only warms up
    draining.push(drained);
    for (const [subject, result] of results) rounds[subject].push(result);
  }
  await requireTrueBooks(saleId);
  await requireTrueBooks(soldOut);
  return { rounds, draining };
}

async function floodStampede(saleId: string, name: string, expected: string): Promise<Round> {
  const before = usage();
  const { answers, ms } = await flood({ port: system.port, path: `/v1/sales/${saleId}/orders`, name });
  const count = answers[expected] ?? 0;
  if (Object.keys(answers).some((status) => status !== expected)) {
    throw new Error(`Other answers: ${JSON.stringify(answers)}`);
  }
  if (system.pidOf('worker') !== undefined) await untilDrained();
  return { perSecond: (count * 1000) / ms, us: usedSince(before, count) };
}

async function floodYardstick(subject: keyof typeof yardsticks, saleId: string): Promise<Round> {
  const { child, port } = yardsticks[subject];
  const before = cpuUs(child.pid ?? 0);
  const { answers, ms } = await flood({ port, path: `/v1/sales/${saleId}/orders`, name: 'yardstick' });
  const count = answers['202'] ?? 0;
  return { perSecond: (count * 1000) / ms, us: { api: (cpuUs(child.pid ?? 0) - before) / count } };
}

/** A worker that has just started stores what has piled up: measured from its first batch on. */
async function drain(): Promise<Round> {
  const { recorded } = await gate.read(LANE);
  await system.startPart('worker', {}, ['--stations', STATIONS]);
  const first = await eventually(async () => progress(await gate.read(LANE), recorded), { withinMs: DRAIN_WITHIN_MS });
  const before = usage();
  const last = await untilDrained();
  const stored = last.recorded - first.recorded;
  return { perSecond: (stored * 1000) / (last.atMs - first.atMs), us: usedSince(before, stored) };
}

function untilDrained(): Promise<{ recorded: number; atMs: number }> {
  return eventually(async () => progress(await gate.read(LANE), -1, 0), { withinMs: DRAIN_WITHIN_MS });
}

/** Where the lane stands, once it has moved on and no more than `inFlightMax` is left; false before. */
function progress(
  lane: LaneInRedis,
  before: number,
  inFlightMax = Infinity,
): { recorded: number; atMs: number } | false {
  const inFlight = lane.version - baseOf(lane.epoch) - lane.recorded;
  return lane.recorded > before && inFlight <= inFlightMax && { recorded: lane.recorded, atMs: performance.now() };
}

async function flood(order: Pick<FloodOrder, 'port' | 'path' | 'name'>): Promise<FloodResult> {
  const child = fork(new URL('./flood.ts', import.meta.url), tsx);
  child.send({ jwtSecret: JWT_SECRET, connections: CONNECTIONS, requests: REQUESTS_MAX, msMax: ROUND_MS, ...order });
  await once(child, 'message');
  child.send('go');
  const [result] = (await once(child, 'message')) as [FloodResult];
  return result;
}

async function startYardstick(secret: string | undefined): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const env = { ...process.env, PORT: String(port), ...(secret !== undefined && { YARDSTICK_SECRET: secret }) };
  const child = fork(new URL('./yardstick-server.ts', import.meta.url), { ...tsx, env });
  await once(child, 'message');
  return { child, port };
}

type Usage = Record<'api' | 'worker' | 'redis' | 'postgres', number>;

function usage(): Usage {
  const of = (part: keyof Usage) => {
    const pid = system.pidOf(part);
    return pid === undefined ? 0 : cpuUs(pid, { children: part === 'postgres' });
  };
  return { api: of('api'), worker: of('worker'), redis: of('redis'), postgres: of('postgres') };
}

function usedSince(before: Usage, count: number): Usage {
  const after = usage();
  const per = (part: keyof Usage) => (after[part] - before[part]) / count;
  return { api: per('api'), worker: per('worker'), redis: per('redis'), postgres: per('postgres') };
}

async function requireTrueBooks(saleId: string): Promise<void> {
  const audit = await system.quiescentAudit(saleId);
  if (!audit.consistent) throw new Error(`The books differ: ${JSON.stringify(audit)}`);
}
