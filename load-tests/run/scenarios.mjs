/** Longer than the longest run: nothing but stock ends these sales, and no unpaid order gives units back meanwhile. */
const A_DAY_SECONDS = 24 * 60 * 60;

/**
 * Each script: what it is, in one line; the sale that is made for a run of it; and what it promises beside its thresholds.
 *
 * `usesSimulator`  it has the payment simulator behave as it needs; `npm run load` restores what was in force before.
 * `endsFinished`   no order is left that could still be paid: each one is paid or its units are back, as the buyers saw it.
 * `atMost`         a figure is at most so many times as large as another of the same run.
 * `findsLimit`     it ends when a threshold of one of its steps breaks: the figure it is run for, and no fault.
 *
 * @type {Record<string, import('./scenarios.d.mts').Scenario>}
 */
export const SCENARIOS = {
  smoke: {
    about: 'a story of three buyers: each main answer is the promised one (2 s)',
    sale: () => ({ ...unpaid, stock: 3, perUserLimit: 2 }), // its story is written for these numbers
  },
  'flash-sale': {
    about: 'many more buyers than units, most of them in the first seconds (40 s)',
    sale: (env) => ({ ...unpaid, stock: stockOf(env, 2_000), perUserLimit: 1 }), // fewer units than its buyers want
  },
  'sold-out-storm': {
    about: 'a small stock, and a crowd that comes when it is gone (40 s)',
    sale: (env) => ({ ...unpaid, stock: stockOf(env, 1_000), perUserLimit: 1 }),
    atMost: { figure: 'cpu_us_per_answer{part:storm}', other: 'cpu_us_per_answer{part:selling}', times: 1.2 },
  },
  'retry-storm': {
    about: 'clients that give up after milliseconds and send the same key again and again (30 s)',
    // A limit of one would hide an order that was stored twice.
    sale: (env) => ({ ...unpaid, stock: stockOf(env, 1_000), perUserLimit: 20 }),
  },
  'slow-gateway': {
    about: 'the payment gateway is late, hangs and fails, while buyers go on ordering (2 min)',
    // Shorter than the slow phase and its aftermath: some orders expire, and their late money must go back.
    sale: (env) => ({ stock: stockOf(env, 1_000_000), perUserLimit: 1, paymentWindowSeconds: 40 }),
    usesSimulator: true,
    endsFinished: true,
    atMost: { figure: 'answer_ms{scenario:slow}', other: 'answer_ms{scenario:calm}', times: 3 },
  },
  soak: {
    about:
      'a steady stream of buyers who pay, cancel, or forget to pay; memory and backlog are watched (2 min, or hours)',
    sale: (env) => ({ stock: stockOf(env, 100_000_000), perUserLimit: 1, paymentWindowSeconds: 30 }),
    usesSimulator: true,
    endsFinished: true,
  },
  breakpoint: {
    about: 'more buyers per second, step by step, until not all is well: how many this machine serves (up to 2 min)',
    sale: (env) => ({ ...unpaid, stock: stockOf(env, 100_000_000), perUserLimit: 1 }),
    findsLimit: true,
  },
};

const unpaid = { paymentWindowSeconds: A_DAY_SECONDS };

const stockOf = ({ STOCK }, otherwise) => wholeNumber('STOCK', STOCK, otherwise);

/** Throws a RangeError that names the variable. */
export function wholeNumber(name, text, otherwise) {
  if (!text) return otherwise;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new RangeError(`${name} must be a whole number from 1 to 999999999`);
}
