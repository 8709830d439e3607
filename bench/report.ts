import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export type Subject = 'Stampede' | 'Stampede, sold out' | 'Fastify with token' | 'Fastify without token';

export interface Draining {
  stored: number;
  perSecond: number;
  workerUs: number;
  redisUs: number;
  postgresUs: number;
}

export interface Round {
  perSecond: number;
  /** CPU of the process that answers, per answer. */
  serverUs: number;
  redisUs?: number;
  workerUs?: number;
  postgresUs?: number;
}

export interface Measured {
  rounds: Record<Subject, Round[]>;
  draining: Draining;
  load: { rounds: number; roundMs: number; connections: number };
}

/** Writes the figures of one run to bench/results, as JSON and as the table that it prints. */
export function report({ rounds, draining, load }: Measured): void {
  const subjects = Object.entries(rounds) as [Subject, Round[]][];
  const yardstick = median(rounds['Fastify with token'].map(({ perSecond }) => perSecond));
  const rows = subjects.map(([subject, all]) => {
    const of = (pick: (round: Round) => number | undefined) => median(all.map((round) => pick(round) ?? NaN));
    const rate = of(({ perSecond }) => perSecond);
    const us = [of((r) => r.serverUs), of((r) => r.redisUs), of((r) => r.workerUs), of((r) => r.postgresUs)];
    return { subject, perSecond: rate, ofFastifyWithToken: rate / yardstick, us };
  });
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
  const number = (value: number, digits = 0) =>
    Number.isNaN(value)
      ? '–'
      : value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const markdown = [
    `Measured on ${new Date().toISOString().slice(0, 10)} by \`npm run bench\`: ${machine}.`,
    `Median of ${load.rounds} rounds of ${load.roundMs / 1000} s in turns, ${load.connections} connections, the load generator on the same machine.`,
    '',
    '| | answers/s | of Fastify with token | CPU us per answer: server | Redis | worker | Postgres |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(
      ({ subject, perSecond, ofFastifyWithToken, us }) =>
        `| ${subject} | ${number(perSecond)} | ${number(ofFastifyWithToken, 2)} | ${us.map((value) => number(value)).join(' | ')} |`,
    ),
    '',
    `Persistence drains a backlog at ${number(draining.perSecond)} orders/s (${number(draining.stored)} orders; CPU us per order: worker ${number(draining.workerUs)}, Redis ${number(draining.redisUs)}, Postgres ${number(draining.postgresUs)}).`,
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
