import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervision } from '../platform/embedded/keep-running.js';
import { choosePort } from '../platform/embedded/local-port.js';
import { EXIT_CONFIGURATION, StartError } from '../platform/embedded/start-error.js';
import { type Role, type RolePlace, RoleProcess } from './role-process.js';

/** Twice may be a store that was not there yet; what dies a third time would die a fourth time. */
const DEATHS_BEFORE_READY_MAX = 3;
/** A stack trace with its message on top; all of it is in the log. */
const LINES_SHOWN_MAX = 12;

export interface RoleWatch {
  env: NodeJS.ProcessEnv;
  /** It ended and is started again. */
  report(why: string, againInMs: number): void;
  /** It is of no use to go on: the reason, with what the role said. */
  fail(error: StartError): void;
  /** Whether everything was ready once: from then on a role that dies is always started again. */
  wasReady(): boolean;
}

/** How to keep one role running. */
export function roleSupervision(role: Role, place: RolePlace, watch: RoleWatch): Supervision<RoleProcess> {
  let current: RoleProcess;
  let env: NodeJS.ProcessEnv | undefined;
  let deathsBeforeReady = 0;
  return {
    start: async () => {
      env ??= role === 'worker' ? await ofWorker(watch.env, place) : watch.env;
      current = new RoleProcess(role, place, env);
      return current;
    },
    onDown: (why, againInMs) => {
      watch.report(why, againInMs);
      if (watch.wasReady() || ++deathsBeforeReady < DEATHS_BEFORE_READY_MAX) return;
      const words = current.lastLines().slice(-LINES_SHOWN_MAX);
      watch.fail(new StartError([`${role} does not start. Its last words:`, ...words].join('\n')));
    },
    isFinal: ({ code }) => {
      if (code !== EXIT_CONFIGURATION) return false;
      watch.fail(new StartError(current.lastLines().join('\n') || `${role} refuses its settings`, EXIT_CONFIGURATION));
      return true;
    },
  };
}

/**
 * A worker has no listener but that of its metrics: it gets one for this machine alone, on a port of its own, since
 * METRICS_PORT is the API's. Chosen once: the welcome names it, and a worker that died starts again on a full disk too.
 */
async function ofWorker(env: NodeJS.ProcessEnv, place: RolePlace): Promise<NodeJS.ProcessEnv> {
  const port = await chooseMetricsPort(place, [env.PORT, env.METRICS_PORT].map(Number));
  return { ...env, HOST: '127.0.0.1', METRICS_PORT: String(port) };
}

/** Those of the API look free while it starts. */
async function chooseMetricsPort(place: RolePlace, ofApi: number[]): Promise<number> {
  const file = metricsPortFile(place);
  const port = await choosePort("the worker's metrics", file);
  if (!ofApi.includes(port)) return port;
  rmSync(file);
  return chooseMetricsPort(place, ofApi);
}

/** Where the running worker shows its metrics. */
export function workerMetricsUrl(place: RolePlace): string {
  return `http://127.0.0.1:${readFileSync(metricsPortFile(place), 'utf8').trim()}/metrics`;
}

function metricsPortFile({ directory }: RolePlace): string {
  return join(directory, 'worker-metrics.port');
}
