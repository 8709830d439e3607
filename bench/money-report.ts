import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { EmptyJobs } from './money-yardstick.js';

/** What one way of storing a backlog reached, with the CPU of each order. */
export interface Storing {
  perSecond: number;
  /** `postgres`: of the connections of persistence alone. */
  us: { persistence: number; postgres: number; redis: number };
  /** How many cores all others had meanwhile. */
  coresOfOthers: number;
}

export interface MoneyRound {
  paying: {
    perSecond: number;
    us: { money: number; simulator: number; api: number; postgres: number; queueRedis: number };
    cores: number;
  };
  queue: EmptyJobs;
  storing: Record<keyof typeof WAYS, Storing>;
}

const WAYS = {
  alone: 'alone',
  besideBurners: 'beside processes that only use the cores',
  besidePayments: 'beside payments',
};

/** A job for its payment, and one for its points. */
const JOBS_PER_ORDER = 2;

/** Writes the figures of one run to bench/results, as JSON and as the tables that it prints. */
export function reportMoney(
  rounds: readonly MoneyRound[],
  load: { rounds: number; orders: number; gatewayCallsMax: number },
): void {
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
  const markdown = [
    `Measured on ${date} by \`npm run bench:money\`: ${machine}.`,
    `Median of ${load.rounds} rounds in turns; ${load.orders.toLocaleString('en-US')} orders or jobs each, ${load.gatewayCallsMax} jobs in hand at once, the gateway (the simulator) and the client on the same machine.`,
    '',
    ...payingTable(rounds),
    '',
    ...storingTable(rounds),
    '',
    'Every sale was audited afterwards: all orders paid, books consistent.',
  ].join('\n');
  const base = new URL(`./results/${date}-money`, import.meta.url).pathname;
  mkdirSync(new URL('./results', import.meta.url), { recursive: true });
  writeFileSync(`${base}.json`, JSON.stringify({ machine, load, rounds }, undefined, 2) + '\n');
  writeFileSync(`${base}.md`, markdown + '\n');
  console.log(markdown);
}

function payingTable(rounds: readonly MoneyRound[]): string[] {
  const of = mediansOf(rounds);
  const limit = of(({ queue }) => queue.perSecond);
  const paid = of(({ paying }) => paying.perSecond);
  const us = (part: keyof MoneyRound['paying']['us']) => of(({ paying }) => paying.us[part]);
  return [
    '| | orders per second | jobs per second | of the limit of BullMQ | CPU us each: worker | queue Redis | Postgres | API | simulator |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    line('Orders paid, points granted', [
      figure(paid),
      figure(paid * JOBS_PER_ORDER),
      figure((paid * JOBS_PER_ORDER) / limit, 2),
      ...[us('money'), us('queueRedis'), us('postgres'), us('api'), us('simulator')].map((each) => figure(each)),
    ]),
    line('BullMQ alone: empty jobs', [
      '–',
      figure(limit),
      figure(1, 2),
      figure(of(({ queue }) => queue.us.worker)),
      figure(of(({ queue }) => queue.us.queueRedis)),
      ...['–', '–', '–'],
    ]),
    '',
    `Empty jobs were added at ${figure(of(({ queue }) => queue.addedPerSecond))} per second; paying used ${figure(
      of(({ paying }) => paying.cores),
      2,
    )} cores.`,
  ];
}

/** Ratios are taken within a round: what the machine did besides fell on both. */
function storingTable(rounds: readonly MoneyRound[]): string[] {
  const of = mediansOf(rounds);
  const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];
  return [
    '| storing a backlog | per second | of alone | CPU us each: worker | its Postgres | Redis | cores of the others |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...ways.map((way) =>
      line(WAYS[way], [
        figure(of(({ storing }) => storing[way].perSecond)),
        figure(
          of(({ storing }) => storing[way].perSecond / storing.alone.perSecond),
          2,
        ),
        ...(['persistence', 'postgres', 'redis'] as const).map((part) =>
          figure(
            of(({ storing }) => storing[way].us[part]),
            1,
          ),
        ),
        figure(
          of(({ storing }) => storing[way].coresOfOthers),
          2,
        ),
      ]),
    ),
    '',
    `Beside payments persistence reached ${figure(
      of(({ storing }) => storing.besidePayments.perSecond / storing.besideBurners.perSecond),
      2,
    )} of what it reached beside processes that only use the cores; what is missing is at most the price of sharing PostgreSQL.`,
  ];
}

const mediansOf =
  (rounds: readonly MoneyRound[]) =>
  (pick: (round: MoneyRound) => number): number =>
    rounds.map(pick).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? NaN;

const line = (name: string, cells: readonly string[]): string => `| ${name} | ${cells.join(' | ')} |`;

const figure = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
