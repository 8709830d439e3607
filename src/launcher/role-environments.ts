import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { choosePort } from '../platform/embedded/local-port.js';
import type { RoleName } from './role-process.js';

/** Ports of this machine alone, kept over restarts: metrics of the workers, and the gateway that payment links lead to. */
const PORTS = { persistence: 'metrics of persistence', money: 'metrics of money', simulator: 'the payment simulator' };
type WithPort = keyof typeof PORTS;

export interface RoleEnvironments {
  of: Record<RoleName, NodeJS.ProcessEnv>;
  /** Where each worker shows what it does itself. */
  workerMetrics: Record<'persistence' | 'money', string>;
}

/**
 * What each role finds in its environment. Made once for each start: addresses that were printed stay true, and a role that
 * died starts again on a full disk too.
 *
 * @param directory holds the ports that were chosen, and what the simulator keeps.
 * @param env of all of them: stores, secrets, PORT and HOST of the API.
 */
export async function roleEnvironments(
  directory: string,
  env: NodeJS.ProcessEnv,
  { baseUrl, withSimulator }: { baseUrl: string; withSimulator: boolean },
): Promise<RoleEnvironments> {
  const port = await choosePorts(directory, [env.PORT, env.METRICS_PORT].map(Number));
  const common = {
    PAYMENT_RETURN_URL: `${baseUrl}/v1/sales`,
    ...env,
    ...(withSimulator && { PAYMENT_GATEWAY_URL: here(port.simulator) }),
  };
  // A worker has no listener but that of its metrics: METRICS_PORT is the API's.
  const worker = (own: number) => ({ ...common, HOST: '127.0.0.1', METRICS_PORT: String(own) });
  return {
    of: {
      api: common,
      persistence: worker(port.persistence),
      money: worker(port.money),
      simulator: {
        ...env,
        SIMULATOR_PORT: String(port.simulator),
        SIMULATOR_WEBHOOK_URL: `${baseUrl}/v1/payments/webhooks`,
        SIMULATOR_DIRECTORY: join(directory, 'simulator'),
      },
    },
    workerMetrics: { persistence: `${here(port.persistence)}/metrics`, money: `${here(port.money)}/metrics` },
  };
}

const here = (port: number): string => `http://127.0.0.1:${port}`;

/** One after another: a port that was chosen looks free until somebody listens on it. */
async function choosePorts(directory: string, ofApi: number[]): Promise<Record<WithPort, number>> {
  const taken = [...ofApi];
  const ports = {} as Record<WithPort, number>;
  for (const role of Object.keys(PORTS) as WithPort[]) {
    ports[role] = await chooseAnother(PORTS[role], join(directory, `${role}.port`), taken);
    taken.push(ports[role]);
  }
  return ports;
}

async function chooseAnother(what: string, file: string, taken: readonly number[]): Promise<number> {
  const port = await choosePort(what, file);
  if (!taken.includes(port)) return port;
  rmSync(file);
  return chooseAnother(what, file, taken);
}
