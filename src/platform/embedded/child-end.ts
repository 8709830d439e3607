import type { ChildProcess } from 'node:child_process';

/** How a process ended: exactly one of the two is set, neither when it could not be started at all. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process that somebody looks after. */
export interface Running {
  readonly pid: number;
  /** Resolves when it ended, for whatever reason. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Ends it in order, so that nothing acknowledged is lost; SIGKILL when that takes too long. */
  stop(): Promise<void>;
  /** Ends it as a power cut would (SIGKILL), and resolves when no process of it is left. */
  kill(): Promise<void>;
}

export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
}

/** Asks the child to end, and makes it when it has not within the limit. Resolves when it is gone. */
export async function endInOrder(
  child: ChildProcess,
  exited: Promise<Exit>,
  { signal, withinMs }: { signal: NodeJS.Signals; withinMs: number },
): Promise<void> {
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await exited;
  clearTimeout(patience);
}
