import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpuUs } from './cpu.js';
import { type MoneyRound, reportMoney, type Storing } from './money-report.js';
import { type Measured, Shop } from './money-shop.js';
import { QueueYardstick } from './money-yardstick.js';

/**
 * Measures paying beside what BullMQ can do by itself, and what paying costs persistence, all in one run, in turns, so that
 * what the machine does besides falls on all of them.
 *
 * What persistence loses is measured twice: beside payments, and beside processes that use as much of the cores as payments
 * do alone and touch nothing else. The second is the price of sharing the cores; what is beyond it is at most the price of
 * sharing PostgreSQL, for payments use more of the cores when they have more to do.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const ORDERS = Number(process.env.BENCH_ORDERS ?? 20_000);
const GATEWAY_CALLS_MAX = 50;
/** Of a sale; then every station of money is at work. */
const UNDER_WAY = 500;

const shop = await Shop.open(GATEWAY_CALLS_MAX);
const { system } = shop;
const yardstick = new QueueYardstick({ url: system.queueRedisUrl, pid: system.pidOf('queue-redis') ?? 0 });
const sold: string[] = [];
try {
  const rounds: MoneyRound[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const measured = await playRound();
    if (round > 0) rounds.push(measured); // the first one only warms up
  }
  for (const saleId of sold) await shop.requireTrueBooks(saleId, ORDERS);
  reportMoney(rounds, { rounds: ROUNDS, orders: ORDERS, gatewayCallsMax: GATEWAY_CALLS_MAX });
} finally {
  await yardstick.close();
  await shop.close();
}

/** Each backlog that was stored is what is paid next. */
async function playRound(): Promise<MoneyRound> {
  const first = await sellOut();
  const alone = storing(await shop.store(first, ORDERS));
  const paying = await shop.pay(first);
  await shop.restMoney();
  const queue = await yardstick.measure(ORDERS, GATEWAY_CALLS_MAX);
  const second = await sellOut();
  const besideBurners = await storeBesideBurners(second, paying);
  const third = await sellOut();
  const besidePayments = await storeBesidePayments(third, second);
  await shop.untilAllIsPaid();
  await shop.restMoney();
  return { paying: payingOf(paying), queue, storing: { alone, besideBurners, besidePayments } };
}

async function sellOut(): Promise<string> {
  const saleId = await shop.sellOut(ORDERS);
  sold.push(saleId);
  return saleId;
}

async function storeBesidePayments(saleId: string, paidMeanwhile: string): Promise<Storing> {
  shop.startPaying();
  await shop.untilSomeArePaid(paidMeanwhile, UNDER_WAY);
  const measured = await shop.store(saleId, ORDERS);
  if (!(await shop.isOwed(paidMeanwhile))) {
    throw new Error('All was paid before all was stored: BENCH_ORDERS is too low');
  }
  return storing(measured);
}

/** One process for each that takes part in paying, and as busy. */
async function storeBesideBurners(saleId: string, { us, ms }: Measured): Promise<Storing> {
  const shares = [us.money, us.simulator, us.api, us.queueRedis, us.postgres].map((used) => used / 1000 / ms);
  const burners = await Promise.all(shares.map(startBurner));
  try {
    const usedByBurners = () => burners.reduce((sum, { pid }) => sum + cpuUs(pid ?? 0), 0);
    const before = usedByBurners();
    const measured = await shop.store(saleId, ORDERS);
    return storing(measured, usedByBurners() - before);
  } finally {
    for (const burner of burners) burner.disconnect();
  }
}

async function startBurner(share: number): Promise<ChildProcess> {
  const child = fork(new URL('./money-burner.ts', import.meta.url), [String(Math.min(share, 1))], {
    execArgv: ['--import', 'tsx'],
  });
  await once(child, 'message');
  return child;
}

function storing({ perSecond, ms, us }: Measured, burnedUs = 0): Storing {
  const others = us.money + us.simulator + us.api + us.queueRedis + us.postgres - us.storingInPostgres + burnedUs;
  return {
    perSecond,
    us: { persistence: us.persistence / ORDERS, postgres: us.storingInPostgres / ORDERS, redis: us.redis / ORDERS },
    coresOfOthers: others / 1000 / ms,
  };
}

function payingOf({ perSecond, ms, us }: Measured): MoneyRound['paying'] {
  const { money, simulator, api, postgres, queueRedis } = us;
  const each = Object.entries({ money, simulator, api, postgres, queueRedis });
  return {
    perSecond,
    us: Object.fromEntries(each.map(([part, used]) => [part, used / ORDERS])) as MoneyRound['paying']['us'],
    cores: each.reduce((sum, [, used]) => sum + used, 0) / 1000 / ms,
  };
}
