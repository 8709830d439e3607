import type { Pool, PoolClient } from 'pg';
import { override, type Words } from '../config/load-settings.js';
import type { Changeable, Settings } from '../config/settings.js';
import { variableOf } from './setting-names.js';

/** What an operator has set in place of the environment: a row of table `settings`. */
export interface Override {
  name: string;
  /** As the variable would be written. */
  value: string;
  changedAt: Date;
  changedBy: string;
}

/** The settings of a process, and the overrides that they come from. */
export interface InForce {
  settings: Settings;
  overrides: ReadonlyMap<Changeable, Override>;
}

/** Oldest first. */
export async function selectOverrides(db: Pool | PoolClient): Promise<Override[]> {
  const { rows } = await db.query<Override>({
    name: 'select-overrides',
    text: `SELECT name, value, changed_at AS "changedAt", changed_by AS "changedBy" FROM settings ORDER BY changed_at, name`,
  });
  return rows;
}

/**
 * What is in force in a process of this version and environment: all overrides together or, when it would refuse to start
 * with them, each one that fits those before it.
 */
export function follow(boot: Settings, overrides: readonly Override[]): InForce {
  const known = overrides.flatMap((each): [Changeable, Override][] => {
    const variable = variableOf(each.name);
    return variable ? [[variable, each]] : [];
  });
  const nothing: InForce = { settings: boot, overrides: new Map() };
  return (
    together(boot, known) ?? known.reduce((kept, each) => together(boot, [...kept.overrides, each]) ?? kept, nothing)
  );
}

function together(boot: Settings, known: readonly [Changeable, Override][]): InForce | undefined {
  const overrides = new Map(known);
  const judged = override(boot, wordsOf(overrides));
  return 'settings' in judged ? { settings: judged.settings, overrides } : undefined;
}

export function wordsOf(overrides: InForce['overrides']): Words {
  return Object.fromEntries([...overrides].map(([variable, { value }]) => [variable, value]));
}
