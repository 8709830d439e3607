import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ANSWER_WITHIN_MS = 5_000;

/**
 * What runs beside the API, as far as it is said (SIMULATOR_URL, METRICS_URLS) or `npm start` has left it in the data
 * directory.
 *
 * @returns {{ simulatorUrl?: string, metricsUrls: string }} `metricsUrls`: `name=address` of each process, comma-separated.
 */
export function findNeighbours(env, { baseUrl, directory }) {
  const addressOf = (role) => {
    const file = join(directory, `${role}.port`);
    return existsSync(file) ? `http://127.0.0.1:${readFileSync(file, 'utf8').trim()}` : undefined;
  };
  const workers = ['persistence', 'money'].flatMap((role) => {
    const address = addressOf(role);
    return address ? [`${role}=${address}/metrics`] : [];
  });
  return {
    simulatorUrl: env.SIMULATOR_URL || addressOf('simulator'),
    metricsUrls: env.METRICS_URLS || [`api=${baseUrl}/metrics`, ...workers].join(','),
  };
}

/**
 * How the payment simulator behaves now.
 *
 * @returns {Promise<{ restore(): Promise<void> }>} puts it back. Both throw when the simulator does not answer.
 */
export async function rememberBehaviour(simulatorUrl) {
  const before = await ask(simulatorUrl, { method: 'GET' });
  const headers = { 'content-type': 'application/json' };
  return { restore: async () => void (await ask(simulatorUrl, { method: 'PUT', headers, body: before })) };
}

async function ask(simulatorUrl, request) {
  const response = await fetch(`${simulatorUrl}/behaviour`, {
    ...request,
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return response.text();
}
