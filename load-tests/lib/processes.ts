import { sleep } from 'k6';
import { Gauge, Trend } from 'k6/metrics';
import { PROCESSES, readMetrics } from './prometheus.ts';

const NAMES = PROCESSES.map(([name]) => name);

const MIB = 1024 * 1024;
const LOOK_EVERY_SECONDS = 2;
/** The part of the run in which caches fill and code is compiled: memory grows then, and means nothing. */
const WARM_UP = 1 / 3;

const residentMib = new Trend('resident_mib');
/** By how much the straight line through what was seen after the warm-up rises, from the warm-up to the end. */
const growthMib = new Gauge('memory_growth_mib');
const backlogAgeSeconds = new Trend('backlog_age_seconds');

/** Thresholds: bounds of the memory that each process may gain, and of the age of an order that is not stored. */
export function bounded({ growthMibMax, ageSecondsMax }: Record<'growthMibMax' | 'ageSecondsMax', number>) {
  const ofEach = (metric: string, rule: string) => NAMES.map((name) => [`${metric}{process:${name}}`, [rule]] as const);
  return Object.fromEntries([
    ['backlog_age_seconds', [`max<${ageSecondsMax}`]] as const,
    ...ofEach('memory_growth_mib', `value<${growthMibMax}`),
    ...ofEach('resident_mib', 'max>0'), // it was seen at all
  ]);
}

/** Looks at every process until the time is over. */
export function watchProcesses(seconds: number): void {
  const startedAt = Date.now();
  const seen = new Map(NAMES.map((name) => [name, [] as Point[]]));
  for (let at = 0; at < seconds; at = (Date.now() - startedAt) / 1000) {
    for (const [name, url] of PROCESSES) look(name, url, (mib) => seen.get(name)?.push({ at, mib }));
    sleep(LOOK_EVERY_SECONDS);
  }
  for (const [name, points] of seen) {
    growthMib.add(rise(points.filter(({ at }) => at > WARM_UP * seconds)), { process: name });
  }
}

/** A process that does not answer is being started again: there is nothing to be seen of it. */
function look(name: string, url: string, note: (mib: number) => void): void {
  const metrics = readMetrics(url);
  if (!metrics) return;
  const mib = metrics.sumOf('process_resident_memory_bytes') / MIB;
  residentMib.add(mib, { process: name });
  note(mib);
  for (const age of metrics.valuesOf('stampede_backlog_age_seconds')) backlogAgeSeconds.add(age);
}

interface Point {
  at: number;
  mib: number;
}

/** Least squares: how much the line rises between the first point and the last. 0 when there are too few of them. */
function rise(points: Point[]): number {
  const mean = (of: (point: Point) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first === last) return 0;
  const [at, mib] = [mean((point) => point.at), mean((point) => point.mib)];
  const slope = mean((point) => (point.at - at) * (point.mib - mib)) / mean((point) => (point.at - at) ** 2);
  return slope * (last.at - first.at);
}
