import http from 'k6/http';
import { operatorToken } from './buyer.ts';
import { given } from './settings.ts';

/** `name` and address of each process that is looked at; the API is the first. */
export const PROCESSES = given('METRICS_URLS')
  .split(',')
  .map((entry) => entry.split('=') as [name: string, url: string]);

/** What a process says of itself, or undefined when it does not answer. */
export function readMetrics(url: string): Metrics | undefined {
  const headers = { authorization: `Bearer ${operatorToken()}` };
  const { status, body } = http.get(url, { headers, responseType: 'text', tags: { name: 'metrics' } });
  return status === 200 ? new Metrics(body) : undefined;
}

export class Metrics {
  constructor(private readonly text: string) {}

  /** Every value of a metric, whatever its labels. */
  valuesOf(metric: string): number[] {
    const lines = this.text
      .split('\n')
      .filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`));
    return lines.map((line) => Number(line.slice(line.lastIndexOf(' '))));
  }

  sumOf(metric: string): number {
    return this.valuesOf(metric).reduce((sum, value) => sum + value, 0);
  }
}
