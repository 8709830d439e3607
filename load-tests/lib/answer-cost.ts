import { sleep } from 'k6';
import { Gauge } from 'k6/metrics';
import { PROCESSES, readMetrics } from './prometheus.ts';

/** CPU of the API for one answer to an order, in us, without what it uses while nobody comes. */
const cpuUsPerAnswer = new Gauge('cpu_us_per_answer');

/** When two parts of a run begin and end, in seconds of the run; between them nobody comes. */
export interface Parts {
  first: { name: string; endsAt: number };
  second: { name: string; startsAt: number; endsAt: number };
}

/**
 * What an answer costs in either part of a run. Unlike a time it hardly depends on what else the machine has to do.
 * Does not:  work when the API is restarted meanwhile, or when several are behind one address.
 */
export function measureAnswers({ first, second }: Parts): void {
  const startedAt = Date.now();
  const sampleAt = (seconds: number) => {
    sleep(Math.max(0, seconds - (Date.now() - startedAt) / 1000));
    return sample();
  };
  const samples = [0, first.endsAt, second.startsAt, second.endsAt].map(sampleAt) as [Sample, Sample, Sample, Sample];
  const [start, sold, before, end] = samples;
  const idle = (before.cpuSeconds - sold.cpuSeconds) / (before.at - sold.at);
  cpuUsPerAnswer.add(cost(start, sold, idle), { part: first.name });
  cpuUsPerAnswer.add(cost(before, end, idle), { part: second.name });
}

interface Sample {
  at: number;
  cpuSeconds: number;
  answers: number;
}

function sample(): Sample {
  const metrics = readMetrics(PROCESSES[0]?.[1] ?? '');
  if (!metrics) throw new Error('the API does not show its metrics');
  const cpuSeconds = metrics.sumOf('process_cpu_seconds_total');
  return { at: Date.now() / 1000, cpuSeconds, answers: metrics.sumOf('stampede_order_requests_total') };
}

const cost = (from: Sample, to: Sample, idle: number) =>
  (1e6 * (to.cpuSeconds - from.cpuSeconds - idle * (to.at - from.at))) / (to.answers - from.answers);
