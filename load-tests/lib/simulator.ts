import http from 'k6/http';
import { given } from './settings.ts';

const SIMULATOR_URL = given('SIMULATOR_URL');

/** Of docs/PAYMENTS.md, "The simulator". What is not named does not happen. */
export type Behaviour = Record<string, { probability: number; delayMs?: [least: number, most: number] }>;

/** From now on. `npm run load` restores what was in force before the run, however it ends. */
export function setBehaviour(behaviour: Behaviour): void {
  const body = JSON.stringify(behaviour);
  const response = http.put(`${SIMULATOR_URL}/behaviour`, body, { headers: { 'content-type': 'application/json' } });
  if (response.status !== 200) throw new Error(`the simulator at ${SIMULATOR_URL} answered ${response.status}`);
}
