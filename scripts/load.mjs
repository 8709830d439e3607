/**
 * `npm run load -- <script> [k6 options]`: runs load-tests/<script>.ts with k6 against a running system, on a sale of its
 * own, and then holds what the buyers were answered against the books. Exits 0 only when both agree in everything.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import process from 'node:process';
import { findK6 } from '../load-tests/run/find-k6.mjs';
import { NotRunning, Refused, RunningSystem } from '../load-tests/run/running-system.mjs';
import { SALES, wholeNumber } from '../load-tests/run/sales.mjs';
import { summarise } from '../load-tests/run/summary.mjs';
import { findFaults } from '../load-tests/run/verdict.mjs';
import { alone } from './alone.mjs';
import { CLONE, EXIT_CONFIGURATION, giveUp, prepare, PrepareError } from './prepare.mjs';

const SCRIPTS = join(CLONE, 'load-tests');
const REPORTS = join(SCRIPTS, 'reports');
/** In the clone, whatever the data directory is: it holds no data. */
const TOOLS = join(CLONE, '.stampede', 'bin');

const BASE_URL_DEFAULT = 'http://127.0.0.1:3000';
/** An accepted order is stored within 30 s after the last fault; a slow machine gets twice that. */
const AUDIT_WITHIN_SECONDS = 60;
const ADMIN_TOKEN_TTL_SECONDS = 300;
const LOG_LINES_SHOWN_MAX = 10;

async function main([wanted, ...k6Options]) {
  const script = chooseScript(wanted);
  const settings = readSettings(script);
  await prepare();
  const key = await readTokenKey();
  const { signToken } = await import('../dist/launcher/sign-token.js');
  const admin = { sub: 'load-test', role: 'admin', ttlSeconds: ADMIN_TOKEN_TTL_SECONDS };
  const system = new RunningSystem(settings.baseUrl, () => signToken(key, admin));

  await system.requireRunning().catch((error) => explain(error, settings));
  const k6 = await requireK6();
  const saleId = await system
    .openSale(`Load test: ${script}`, settings.sale)
    .catch((error) => explain(error, settings));
  say(`${script}: ${settings.sale.stock} units in sale ${saleId} at ${settings.baseUrl}`);

  const files = reportFiles(script);
  const args = ['--log-output', `file=${files.log}`, ...k6Options, join(SCRIPTS, `${script}.ts`)];
  const k6Status = await runK6(k6, args, environment({ settings, key, saleId, files }));
  const settled = await system.settle(saleId, settings.auditWithinSeconds * 1000);
  return conclude({ ...settled, k6Status, stock: settings.sale.stock, figures: readFigures(files) }, files);
}

function chooseScript(wanted) {
  const script = basename(wanted ?? '', '.ts');
  if (script in SALES) return script;
  const problem = wanted ? `There is no script ${wanted}` : 'Which script? npm run load -- <script> [k6 options]';
  throw mistake(`${problem}. There are: ${Object.keys(SALES).join(', ')}`);
}

function readSettings(script) {
  const { env } = process;
  const baseUrl = (env.BASE_URL || BASE_URL_DEFAULT).replace(/\/+$/, '');
  if (!URL.canParse(baseUrl)) throw mistake('BASE_URL must be an address, such as http://127.0.0.1:3000');
  try {
    const auditWithinSeconds = wholeNumber('AUDIT_WITHIN_SECONDS', env.AUDIT_WITHIN_SECONDS, AUDIT_WITHIN_SECONDS);
    return { baseUrl, sale: SALES[script](env), auditWithinSeconds };
  } catch (error) {
    throw error instanceof RangeError ? mistake(error.message) : error;
  }
}

/** As `npm run token` has it: JWT_SECRET, else the secret that the first `npm start` made. */
async function readTokenKey() {
  const { directoryOf } = await import('../dist/launcher/launch-settings.js');
  const { existingSecrets } = await import('../dist/launcher/launch-secrets.js');
  const { JWT_SECRET, JWT_ISSUER: issuer, JWT_AUDIENCE: audience, STAMPEDE_DIR } = process.env;
  const secrets = JWT_SECRET || existingSecrets(directoryOf(STAMPEDE_DIR, CLONE)).JWT_SECRET;
  if (!secrets) throw mistake('There is no secret to sign tokens with: run npm start once, or set JWT_SECRET');
  return { secrets, issuer, audience };
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

function reportFiles(script) {
  mkdirSync(REPORTS, { recursive: true });
  const path = join(REPORTS, `${script}-${new Date().toISOString().replace(/[:.]/g, '-')}`);
  return { html: `${path}.html`, figures: `${path}.json`, log: `${path}.log` };
}

/** Secrets travel in the environment and not as `-e` options, which any user of the machine could read. */
function environment({ settings, key, saleId, files }) {
  return {
    K6_WEB_DASHBOARD_PORT: '-1', // no server, only the file
    K6_WEB_DASHBOARD_PERIOD: '1s', // the file needs three periods at least
    ...process.env,
    K6_NO_USAGE_REPORT: 'true',
    K6_WEB_DASHBOARD: 'true',
    K6_WEB_DASHBOARD_EXPORT: files.html,
    K6_SUMMARY_TREND_STATS: 'med,p(95),p(99),max',
    BASE_URL: settings.baseUrl,
    STOCK: String(settings.sale.stock),
    SALE_ID: saleId,
    RESULT_FILE: files.figures,
    JWT_SECRET: key.secrets.split(',')[0].trim(),
  };
}

/** Resolves with its exit status. Ctrl-C reaches k6 by itself, which then ends its run in order; we wait for it. */
function runK6(k6, args, env) {
  const quiet = process.stdout.isTTY ? [] : ['--quiet'];
  return new Promise((resolve, reject) => {
    const child = spawn(k6, ['run', ...quiet, ...args], { env, stdio: 'inherit' });
    const wait = () => undefined;
    const stop = () => child.kill('SIGTERM');
    process.on('SIGINT', wait).on('SIGTERM', stop);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      process.off('SIGINT', wait).off('SIGTERM', stop);
      resolve(status ?? signal);
    });
  });
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
