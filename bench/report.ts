import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export const SUBJECTS = [
  'Stampede, intake alone',
  'Stampede, storing as well',
  'Stampede, sold out',
  'Fastify with token',
  'Fastify without token',
] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What one round of one subject reached. */
export interface Round {
  perSecond: number;
  /** CPU per answer (or per stored order) of each process. `api` is whichever process answers. */
  us: { api: number; worker?: number; redis?: number; postgres?: number };
}

export interface Measured {
  rounds: Record<Subject, Round[]>;
  /** Orders stored while a backlog was drained. */
  draining: Round[];
  load: { rounds: number; roundMs: number; connections: number };
}

/** Writes the figures of one run to bench/results, as JSON and as the table that it prints. */
export function report({ rounds, draining, load }: Measured): void {
  const yardstick = median(rounds['Fastify with token'].map(({ perSecond }) => perSecond));
  const rows = SUBJECTS.map((subject) => row(subject, rounds[subject], yardstick));
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
  const markdown = [
    `Measured on ${new Date().toISOString().slice(0, 10)} by \`npm run bench\`: ${machine}.`,
    `Median of ${load.rounds} rounds of ${load.roundMs / 1000} s in turns, ${load.connections} connections, the load generator on the same machine.`,
    '',
    '| | per second | of Fastify with token | CPU us each: server | Redis | worker | Postgres |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
    row('Stampede, draining a backlog', draining),
    '',
    'Every sale was audited afterwards: consistent.',
  ].join('\n');
  const base = new URL(`./results/${new Date().toISOString().slice(0, 10)}`, import.meta.url);
  mkdirSync(new URL('./results', import.meta.url), { recursive: true });
  writeFileSync(`${base.pathname}.json`, JSON.stringify({ machine, rounds, draining }, undefined, 2) + '\n');
  writeFileSync(`${base.pathname}.md`, markdown + '\n');
  console.log(markdown);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function row(subject: string, rounds: Round[], yardstick = NaN): string {
  const of = (pick: (round: Round) => number | undefined) => median(rounds.map((round) => pick(round) ?? NaN));
  const rate = of(({ perSecond }) => perSecond);
  const us = [of((r) => r.us.api), of((r) => r.us.redis), of((r) => r.us.worker), of((r) => r.us.postgres)];
  return `| ${subject} | ${number(rate)} | ${number(rate / yardstick, 2)} | ${us.map((each) => number(each)).join(' | ')} |`;
}

/** A figure that was not measured, or is nothing, is a dash. */
function number(value: number, digits = 0): string {
  if (Number.isNaN(value) || value < 0.1) return '–';
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
