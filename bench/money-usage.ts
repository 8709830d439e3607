import { readFileSync } from 'node:fs';
import type pg from 'pg';
import type { TestSystem } from '../test/support/system.js';
import { cpuUs } from './cpu.js';

const US_PER_TICK = 10_000;

/** The processes that work, by what this benchmark calls them. */
const PARTS = {
  api: 'api',
  persistence: 'worker',
  money: 'worker-2',
  simulator: 'simulator',
  redis: 'redis',
  queueRedis: 'queue-redis',
} as const;

/** CPU microseconds that each has used. Those of PostgreSQL are told apart by whose statements they ran. */
export type CpuUs = Record<keyof typeof PARTS | 'postgres' | 'storingInPostgres', number>;

/** How persistence calls itself in `pg_stat_activity`. */
export const PERSISTENCE = 'persistence';

interface Moment {
  atMs: number;
  cpu: CpuUs;
  backends: ReadonlyMap<number, number>;
}

/** Begins a measurement; what it returns ends it. */
export async function startUsage(system: TestSystem, pool: pg.Pool): Promise<() => Promise<{ ms: number; us: CpuUs }>> {
  const before = await look(system, pool);
  return async () => {
    const after = await look(system, pool);
    const us = Object.fromEntries(
      Object.entries(after.cpu).map(([part, used]) => [part, used - before.cpu[part as keyof CpuUs]]),
    ) as CpuUs;
    // Connections come and go, so each is compared with itself.
    us.storingInPostgres = 0;
    for (const [pid, used] of after.backends) us.storingInPostgres += used - (before.backends.get(pid) ?? 0);
    return { ms: after.atMs - before.atMs, us };
  };
}

async function look(system: TestSystem, pool: pg.Pool): Promise<Moment> {
  const { rows } = await pool.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
    PERSISTENCE,
  ]);
  const atMs = performance.now();
  const of = (part: keyof typeof PARTS) => cpuUs(system.pidOf(PARTS[part]) ?? 0);
  const postmaster = system.pidOf('postgres') ?? 0;
  const cpu = {
    ...(Object.fromEntries(Object.keys(PARTS).map((part) => [part, of(part as keyof typeof PARTS)])) as CpuUs),
    postgres: cpuUs(postmaster, { children: true }) + endedChildrenUs(postmaster),
  };
  return { atMs, cpu, backends: new Map(rows.map(({ pid }) => [pid, cpuUs(pid)])) };
}

/** What children of a process had used when they ended: fields cutime and cstime of proc(5) stat. */
function endedChildrenUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * US_PER_TICK;
}
