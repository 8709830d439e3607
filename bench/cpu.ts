import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second (USER_HZ), the same on every architecture that Node runs on. */
const US_PER_TICK = 10_000;

/** CPU time in microseconds that a process has used, with `children` also those it started (a PostgreSQL's backends). */
export function cpuUs(pid: number, { children = false } = {}): number {
  const pids = children ? [pid, ...childrenOf(pid)] : [pid];
  return pids.reduce((sum, each) => sum + ownCpuUs(each), 0);
}

function ownCpuUs(pid: number): number {
  const fields = statOf(pid);
  return fields ? (Number(fields[11]) + Number(fields[12])) * US_PER_TICK : 0;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(statOf(pid)?.[1]) === parent);
}

/** The fields of proc(5) stat from the third on (state, ppid, …); undefined when the process is gone. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
