import { type Assembly, type Station, STATIONS } from './app.module.js';
import type { Role } from './config/config.module.js';
import { ConfigurationError } from './config/load-settings.js';

const ALL = Object.keys(STATIONS) as Station[];
const ROLES: readonly string[] = ['api', 'worker', 'all', 'migrate'];
const USAGE = `Usage: node dist/main api | worker [--stations ${ALL.join(',')}] | all | migrate`;

/** What the words behind `node dist/main` ask for. @throws ConfigurationError that says how to ask. */
export function readCommandLine([role = '', ...options]: readonly string[]): 'migrate' | Assembly {
  if (!ROLES.includes(role)) throw new ConfigurationError([USAGE]);
  const [flag, names, ...rest] = options.flatMap((option) => option.split('='));
  if (flag === undefined) return role === 'migrate' ? role : { role: role as Role, stations: ALL };
  if (role !== 'worker' || flag !== '--stations' || names === undefined || rest.length > 0) {
    throw new ConfigurationError([USAGE]);
  }
  return { role, stations: readStations(names) };
}

function readStations(names: string): Station[] {
  const stations = names.split(',').map((name) => name.trim());
  const unknown = stations.filter((name) => !isStation(name));
  if (unknown.length > 0) {
    throw new ConfigurationError([`--stations: there is no '${unknown.join("', '")}'; there are ${ALL.join(', ')}`]);
  }
  if (new Set(stations).size < stations.length) throw new ConfigurationError(['--stations: each one at most once']);
  return stations as Station[];
}

const isStation = (name: string): name is Station => (ALL as string[]).includes(name);
