/**
 * `npm run load -- <script> [k6 options]`: runs load-tests/<script>.ts with k6 against a running system, on a sale of its
 * own, and then holds what the buyers were answered against the books. Exits 0 only when both agree in everything.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import process from 'node:process';
import { findK6 } from '../load-tests/run/find-k6.mjs';
import { findNeighbours, rememberBehaviour } from '../load-tests/run/neighbours.mjs';
import { runK6 } from '../load-tests/run/run-k6.mjs';
import { NotRunning, Refused, RunningSystem } from '../load-tests/run/running-system.mjs';
import { SCENARIOS, wholeNumber } from '../load-tests/run/scenarios.mjs';
import { summarise } from '../load-tests/run/summary.mjs';
import { findFaults } from '../load-tests/run/verdict.mjs';
import { alone } from './alone.mjs';
import { CLONE, EXIT_CONFIGURATION, giveUp, prepare, PrepareError } from './prepare.mjs';
import { readTokenKey } from './token-key.mjs';

const SCRIPTS = join(CLONE, 'load-tests');
const REPORTS = join(SCRIPTS, 'reports');
/** In the clone, whatever the data directory is: it holds no data. */
const TOOLS = join(CLONE, '.stampede', 'bin');

const BASE_URL_DEFAULT = 'http://127.0.0.1:3000';
/** An accepted order is stored within 30 s after the last fault; a slow machine gets twice that. */
const AUDIT_WITHIN_SECONDS = 60;
const ADMIN_TOKEN_TTL_SECONDS = 300;
const LOG_LINES_SHOWN_MAX = 10;

async function main([wanted, ...options]) {
  if (!wanted) return listScripts();
  const script = chooseScript(wanted);
  const settings = readSettings(script);
  await prepare();
  const launcher = await import('../dist/launcher/launch-settings.js');
  const directory = launcher.directoryOf(process.env.STAMPEDE_DIR, CLONE);
  const key = await readTokenKey(directory);
  const { signToken } = await import('../dist/launcher/sign-token.js');
  const admin = { sub: 'load-test', role: 'admin', ttlSeconds: ADMIN_TOKEN_TTL_SECONDS };
  const system = new RunningSystem(settings.baseUrl, () => signToken(key, admin));

  await system.requireRunning().catch((error) => explain(error, settings));
  const k6 = await requireK6();
  const neighbours = findNeighbours(process.env, { baseUrl: settings.baseUrl, directory });
  const gateway = settings.promises.usesSimulator ? await requireSimulator(script, neighbours) : undefined;
  return runAndJudge({ script, options, settings, key, system, k6, neighbours, gateway });
}

async function runAndJudge({ script, options, settings, key, system, k6, neighbours, gateway }) {
  const { baseUrl, sale, promises } = settings;
  const saleId = await system.openSale(`Load test: ${script}`, sale).catch((error) => explain(error, settings));
  say(`${script}: ${sale.stock} units in sale ${saleId} at ${baseUrl}`);
  const files = reportFiles(script);
  const variables = {
    BASE_URL: baseUrl,
    STOCK: String(sale.stock),
    SALE_ID: saleId,
    JWT_SECRET: key.secrets.split(',')[0].trim(),
    SIMULATOR_URL: neighbours.simulatorUrl ?? '',
    METRICS_URLS: neighbours.metricsUrls,
  };
  const run = { script: join(SCRIPTS, `${script}.ts`), options, files, variables };
  const k6Status = await runK6(k6, run).finally(() => gateway?.restore().catch(warn));
  const isOver = promises.endsFinished ? isFinished : undefined;
  const settled = await system.settle(saleId, settings.auditWithinSeconds * 1000, isOver);
  return conclude({ ...settled, k6Status, stock: sale.stock, figures: readFigures(files), promises }, files);
}

const warn = ({ message }) =>
  say(`The simulator still behaves as in the run: ${message}. It forgets that when it is restarted`);

/** Nothing can be paid any more, and all units that were given up are back. */
const isFinished = ({ postgres: { pendingPayment, toGiveBack } }) => pendingPayment === 0 && toGiveBack === 0;

function listScripts() {
  const names = Object.keys(SCENARIOS);
  const width = Math.max(...names.map(({ length }) => length)) + 2;
  const lines = names.map((name) => `  ${name.padEnd(width)}${SCENARIOS[name].about}`);
  say(['npm run load -- <script> [k6 options], against a running system. The scripts:', '', ...lines].join('\n'));
  return 0;
}

function chooseScript(wanted) {
  const script = basename(wanted, '.ts');
  if (script in SCENARIOS) return script;
  throw mistake(`There is no script ${wanted}. There are: ${Object.keys(SCENARIOS).join(', ')}`);
}

function readSettings(script) {
  const { env } = process;
  const { sale, ...promises } = SCENARIOS[script];
  const baseUrl = (env.BASE_URL || BASE_URL_DEFAULT).replace(/\/+$/, '');
  if (!URL.canParse(baseUrl)) throw mistake('BASE_URL must be an address, such as http://127.0.0.1:3000');
  try {
    const auditWithinSeconds = wholeNumber('AUDIT_WITHIN_SECONDS', env.AUDIT_WITHIN_SECONDS, AUDIT_WITHIN_SECONDS);
    return { baseUrl, sale: sale(env), promises, auditWithinSeconds };
  } catch (error) {
    throw error instanceof RangeError ? mistake(error.message) : error;
  }
}

async function requireK6() {
  const k6 = await alone(TOOLS, () => findK6(TOOLS, say)).catch((error) => {
    throw new PrepareError(`k6 could not be built: ${error.stderr || error.message}`);
  });
  if (k6) return k6;
  throw mistake(
    'k6 is needed: install k6 1.0 or newer (macOS: brew install k6), or Go 1.24 or newer, with which it is built here once',
  );
}

/** How it behaves now, to be restored. */
async function requireSimulator(script, { simulatorUrl }) {
  const what = `${script} needs the payment simulator`;
  if (!simulatorUrl) {
    throw mistake(`${what}: use the system of npm start without a gateway of your own, or set SIMULATOR_URL`);
  }
  return rememberBehaviour(simulatorUrl).catch(({ message }) => {
    throw new PrepareError(
      `${what}, and at ${simulatorUrl} is none (${message}): start npm start, or set SIMULATOR_URL`,
    );
  });
}

function reportFiles(script) {
  mkdirSync(REPORTS, { recursive: true });
  const path = join(REPORTS, `${script}-${new Date().toISOString().replace(/[:.]/g, '-')}`);
  return { html: `${path}.html`, figures: `${path}.json`, log: `${path}.log` };
}

function readFigures({ figures }) {
  return existsSync(figures) ? JSON.parse(readFileSync(figures, 'utf8')) : undefined;
}

/** Says how it went. @returns the exit status. */
function conclude(run, files) {
  const faults = findFaults(run);
  say(['', ...summarise(run)].join('\n'));
  if (existsSync(files.html)) say(`  report       ${relative(process.cwd(), files.html)}`);
  if (faults.length === 0) {
    say('\nPassed: the books hold exactly what the buyers were promised.');
    return 0;
  }
  say(['\nFailed:', ...faults.map((fault) => `  - ${fault}`), ...loggedErrors(files)].join('\n'));
  return 1;
}

function loggedErrors({ log }) {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  const errors = lines.filter((line) => line.includes('level=error') && !line.includes('msg="thresholds on metrics'));
  if (errors.length === 0) return [];
  return [
    `The first errors of ${errors.length} in ${relative(process.cwd(), log)}:`,
    ...errors.slice(0, LOG_LINES_SHOWN_MAX),
  ];
}

/** Throws what went wrong with the system as one line. */
function explain(error, { baseUrl }) {
  if (error instanceof NotRunning) {
    throw new PrepareError(`No system runs at ${baseUrl}: start one with npm start, or set BASE_URL`);
  }
  if (!(error instanceof Refused)) throw error;
  const hint = error.status === 401 ? ' (JWT_SECRET must be the one of that system)' : '';
  throw new PrepareError(`The system at ${baseUrl} is of no use: ${error.message}${hint}`);
}

function mistake(message) {
  return new PrepareError(message, EXIT_CONFIGURATION);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main(process.argv.slice(2)).catch(giveUp);
