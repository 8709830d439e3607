import { askForRebuild } from '../test/crashes/lane-under-fault.js';
import { type Answer, placeOrder } from '../test/support/crowd.js';
import { inRedis } from '../test/support/stores.js';
import { TestSystem } from '../test/support/system.js';

/**
 * How long buyers are refused once a fault is over: from its end to the first 202 of a client that asks every 10 ms. Nobody
 * helps. The books are compared after each round.
 */
const ROUNDS = Number(process.env.HEALING_ROUNDS ?? 10);
const STOCK = 100_000;
const STORED_ORDERS = 1_000;
const ASK_EVERY_MS = 10;
/** Orders that the older copy of Redis does not know, and Postgres does. */
const NEWER_ORDERS = 50;
const HEALED_WITHIN_MS = 60_000;

const system = await TestSystem.start();
let buyers = 0;
/** A part that is on its way when the client begins to ask. */
let starting = Promise.resolve();
try {
  const saleId = await system.createSale({ stock: STOCK });
  await order(saleId, STORED_ORDERS);
  await requireTrueBooks(saleId);
  console.log(`| fault, over when | median ms | min | max |`);
  console.log('| --- | ---: | ---: | ---: |');
  for (const [fault, strike] of Object.entries(faults(saleId))) {
    const ms: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await strike();
      ms.push(await untilAccepted(saleId));
      await starting;
      await requireTrueBooks(saleId);
    }
    console.log(`| ${fault} | ${figures(ms).join(' | ')} |`);
  }
} finally {
  await system.close();
}

/** Each returns at the moment its fault is over. */
function faults(saleId: string): Record<string, () => Promise<void>> {
  return {
    'FLUSHALL, when it has answered': async () => {
      await inRedis(system.redisUrl, (redis) => redis.flushall());
    },
    'Redis killed with -9, when it answers again': () => restartRedis(() => undefined),
    'Redis comes back empty, when it answers again': () => restartRedis(() => system.files.remove('redis')),
    'Redis comes back as it was before, when it answers again': async () => {
      const copy = await system.files.copy('redis');
      await order(saleId, NEWER_ORDERS);
      await requireTrueBooks(saleId);
      await restartRedis(() => system.files.replace('redis', copy));
    },
    'guard killed in the middle of a rebuild, when another is there': async () => {
      await killGuardInRebuild(saleId);
      system.resumeRole('worker-2');
    },
    'guard killed in the middle of a rebuild, when another is started': async () => {
      await killGuardInRebuild(saleId);
      await system.killPart('worker-2');
      starting = system.startPart('worker-2');
    },
  };
}

async function restartRedis(harm: () => void): Promise<void> {
  await system.killPart('redis');
  harm();
  await system.startPart('redis');
}

/** The guard that begins the rebuild is to be the one that dies, so the other one is kept from looking. */
async function killGuardInRebuild(saleId: string): Promise<void> {
  await Promise.all([system.killPart('worker'), system.killPart('worker-2')]);
  await Promise.all([system.startPart('worker', { FAILPOINTS: 'rebuild-written' }), system.startPart('worker-2')]);
  system.pauseRole('worker-2');
  await askForRebuild(system, saleId);
  const ended = await system.untilEnded('worker');
  if (ended?.signal !== 'SIGKILL') throw new Error(`the guard did not die: ${JSON.stringify(ended)}`);
}

function ask(saleId: string): Promise<Answer> {
  const name = `buyer-${(buyers += 1)}`;
  return placeOrder(system, saleId, {
    authorization: `Bearer ${system.token(name)}`,
    'idempotency-key': 'k',
    'content-type': 'application/json',
  });
}

async function order(saleId: string, count: number): Promise<void> {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(saleId)));
  const refused = answers.find(({ status }) => status !== 202);
  if (refused) throw new Error(`refused: ${JSON.stringify(refused)}`);
}

/** Does not wait for an answer before it asks again: one may be as late as the limit of a command. @returns milliseconds. */
function untilAccepted(saleId: string): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearInterval(asking);
      clearTimeout(tooLate);
    };
    const asking = setInterval(() => {
      ask(saleId).then(
        ({ status }) => {
          if (status !== 202) return;
          stop();
          resolve(performance.now() - startedAt);
        },
        () => undefined, // no answer: the API is away, or the request was reset
      );
    }, ASK_EVERY_MS);
    const tooLate = setTimeout(() => {
      stop();
      reject(new Error(`nothing was accepted within ${HEALED_WITHIN_MS} ms`));
    }, HEALED_WITHIN_MS);
  });
}

async function requireTrueBooks(saleId: string): Promise<void> {
  const { consistent, differences } = await system.quiescentAudit(saleId);
  if (!consistent) throw new Error(`The books differ: ${JSON.stringify(differences)}`);
}

function figures(ms: readonly number[]): string[] {
  const sorted = [...ms].sort((a, b) => a - b);
  return [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)].map((value = NaN) => value.toFixed(0));
}
