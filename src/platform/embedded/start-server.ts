import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddedServer } from './embedded-server.js';
import { choosePort } from './local-port.js';
import { DiedWhileStarting, explainDeath, type ServerCommand, ServerProcess } from './server-process.js';
import { rememberParent, type Traces } from './stop-orphan.js';

/** What passes by itself passes within a second or two. */
const ATTEMPTS_MAX = 20;
const NEXT_ATTEMPT_AFTER_MS = 250;

/**
 * Reasons to die that pass by themselves: another program took the port between our look and the server's; the last
 * children of a killed PostgreSQL have not noticed yet.
 */
const PASSING = ['Address already in use', 'shared memory block'];

export interface ServerPlan {
  /** The real path of the directory that the server keeps everything in. */
  home: string;
  traces: Traces;
  /** Undefined: any, but the one of the last time if it is free. */
  port: number | undefined;
  onLog: (line: string) => void;
  urlAt(port: number): string;
  command(port: number): Pick<ServerCommand, 'command' | 'args' | 'env' | 'user'>;
  /** One look whether it answers: throws when it does not yet, a StartError when it never will. */
  look(url: string): Promise<void>;
  /** Resolves when also the children of a killed server are gone. */
  untilGone(): Promise<void>;
}

/** Starts a server and waits until it answers. No orphan may be left on its directory. Throws a StartError. */
export async function startServer(plan: ServerPlan): Promise<EmbeddedServer> {
  const { home, traces, onLog } = plan;
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(traces.name, join(home, 'port'), plan.port);
    rememberParent(traces);
    const server = new ServerProcess({
      name: traces.name,
      stopSignal: traces.stopSignal,
      onLog,
      ...plan.command(port),
    });
    try {
      const url = plan.urlAt(port);
      await server.untilReady(() => plan.look(url));
      return asEmbedded(server, { url, port }, plan);
    } catch (error) {
      await server.kill();
      if (!(error instanceof DiedWhileStarting)) throw error;
      if (attempt === ATTEMPTS_MAX || !PASSING.some((reason) => error.says(reason))) throw explainDeath(error, home);
      await delay(NEXT_ATTEMPT_AFTER_MS);
    }
  }
}

function asEmbedded(
  server: ServerProcess,
  place: { url: string; port: number },
  plan: Pick<ServerPlan, 'untilGone'>,
): EmbeddedServer {
  return {
    ...place,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop(),
    kill: async () => {
      await server.kill();
      await plan.untilGone();
    },
  };
}
