import type { Supervision } from '../platform/embedded/keep-running.js';
import { EXIT_CONFIGURATION, StartError } from '../platform/embedded/start-error.js';
import { type RoleName, type RolePlace, RoleProcess } from './role-process.js';

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
export function roleSupervision(role: RoleName, place: RolePlace, watch: RoleWatch): Supervision<RoleProcess> {
  let current: RoleProcess;
  let deathsBeforeReady = 0;
  return {
    start: () => {
      current = new RoleProcess(role, place, watch.env);
      return Promise.resolve(current);
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
