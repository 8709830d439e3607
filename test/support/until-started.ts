import type { ChildProcess } from 'node:child_process';

const START_WITHIN_MS = 30_000;
const LOG_SHOWN_CHARS_MAX = 10_000;

/**
 * Resolves when a role says in its log that it has started; rejects, with the end of that log, when it ends or takes too
 * long. What it says afterwards is not read but has to be taken off the pipe.
 */
export function untilStarted(child: ChildProcess, role: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    const tooLate = AbortSignal.timeout(START_WITHIN_MS);
    tooLate.addEventListener('abort', () => reject(new Error(`${role} did not start: ${log}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-LOG_SHOWN_CHARS_MAX);
      if (log.includes('"msg":"started"')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${role} ended with ${String(code)}: ${log}`)));
  });
}
