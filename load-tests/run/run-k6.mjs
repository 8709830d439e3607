import { spawn } from 'node:child_process';
import process from 'node:process';

/** Secrets travel in the environment and not as `-e` options, which any user of the machine could read. */
const REPORTING = {
  K6_WEB_DASHBOARD_PORT: '-1', // no server, only the file
  K6_WEB_DASHBOARD_PERIOD: '1s', // the file needs three periods at least
};

/**
 * Runs a script; figures, log and HTML report are left in `files`.
 *
 * @returns {Promise<number | string>} its exit status, or the signal that ended it. Ctrl-C reaches k6 by itself, which then
 * ends its run in order; we wait for it.
 */
export function runK6(k6, { script, options, files, variables }) {
  const quiet = process.stdout.isTTY ? [] : ['--quiet'];
  const args = ['run', ...quiet, '--log-output', `file=${files.log}`, ...options, script];
  return new Promise((resolve, reject) => {
    const child = spawn(k6, args, { env: environment(files, variables), stdio: 'inherit' });
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

function environment(files, variables) {
  return {
    ...REPORTING,
    ...process.env,
    K6_NO_USAGE_REPORT: 'true',
    K6_WEB_DASHBOARD: 'true',
    K6_WEB_DASHBOARD_EXPORT: files.html,
    K6_SUMMARY_TREND_STATS: 'med,p(95),p(99),max',
    RESULT_FILE: files.figures,
    ...variables,
  };
}
