import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { override, type Words } from '../config/load-settings.js';
import type { Mistake } from '../config/relations.js';
import { CHANGEABLE, type Changeable, variables } from '../config/settings.js';
import { instant } from '../platform/http/shapes.js';
import { recordAdminAction } from '../platform/postgres/record-admin-action.js';
import { inTransaction } from '../platform/postgres/transaction.js';
import { follow, selectOverrides, wordsOf } from './overrides.js';
import type { RuntimeSettings } from './runtime-settings.js';
import { settingName, variableOf } from './setting-names.js';

const value = z.union([z.number(), z.string()]);

export const settingViewShape = z
  .object({
    name: z.string(),
    value: value.meta({ description: 'In force in the process that answers' }),
    default: value.meta({ description: 'That of its environment' }),
    unit: z.enum(['s', 'ms']).optional(),
    description: z.string(),
    changedAt: instant.nullable().meta({ description: 'Null, as `changedBy`, while the environment decides' }),
    changedBy: z.string().nullable(),
  })
  .meta({ id: 'Setting' });
export type SettingView = z.infer<typeof settingViewShape>;

export interface SettingWish {
  name: string;
  /** Null: what the environment says. */
  value: number | string | null;
  /** Subject of the operator's token. */
  operator: string;
}

/** Where an operator sees the settings, and changes them for all processes. */
export class SettingsDesk {
  constructor(
    private readonly settings: RuntimeSettings,
    private readonly pool: Pool,
  ) {}

  list(): SettingView[] {
    return CHANGEABLE.map((variable) => this.view(variable));
  }

  /**
   * Changes a setting; it is in force here when this resolves. The same value again changes nothing.
   *
   * @returns the setting; why a process would refuse to start with that value; or that there is no such setting.
   */
  async change({ name, value, operator }: SettingWish): Promise<SettingView | { refused: string } | 'unknown-setting'> {
    const variable = variableOf(name);
    if (variable === undefined) return 'unknown-setting';
    const kind = typeof this.settings.defaults[variable];
    if (value !== null && typeof value !== kind) return { refused: `must be a ${kind}, or null` };
    const text = value === null ? undefined : String(value);
    const mistakes = await inTransaction(this.pool, (tx) => this.write(tx, variable, { text, operator }));
    if (mistakes.length > 0) return { refused: mistakes.map((mistake) => inWords(mistake, variable)).join('; ') };
    await this.settings.runOnce();
    return this.view(variable);
  }

  private async write(
    tx: PoolClient,
    variable: Changeable,
    { text, operator }: { text: string | undefined; operator: string },
  ): Promise<Mistake[]> {
    // One change after another: two that are each right can contradict one another.
    await tx.query('LOCK TABLE settings IN SHARE ROW EXCLUSIVE MODE');
    const name = settingName(variable);
    const stored = await selectOverrides(tx);
    const before = follow(this.settings.defaults, stored);
    const { [variable]: _, ...others } = wordsOf(before.overrides);
    const words: Words = text === undefined ? others : { ...others, [variable]: text };
    const after = override(this.settings.defaults, words);
    if ('mistakes' in after) return after.mistakes;
    if (stored.find((each) => each.name === name)?.value === text) return [];
    if (text === undefined) await tx.query('DELETE FROM settings WHERE name = $1', [name]);
    else await upsert(tx, name, { text, operator });
    const detail = { old: before.settings[variable], new: after.settings[variable], isOverridden: text !== undefined };
    await recordAdminAction(tx, { actor: operator, action: 'setting.change', subject: name, detail });
    return [];
  }

  private view(variable: Changeable): SettingView {
    const { current, defaults, overrides } = this.settings;
    const unit = unitOf(variable);
    return {
      name: settingName(variable),
      value: current[variable],
      default: defaults[variable],
      ...(unit && { unit }),
      description: variables.shape[variable].description ?? '',
      changedAt: overrides.get(variable)?.changedAt.toISOString() ?? null,
      changedBy: overrides.get(variable)?.changedBy ?? null,
    };
  }
}

async function upsert(
  tx: PoolClient,
  name: string,
  { text, operator }: { text: string; operator: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO settings (name, value, changed_by) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by, changed_at = now()`,
    [name, text, operator],
  );
}

/** In the names that operators use; it begins with that of the setting that is wrong, unless it is the one that was asked for. */
function inWords({ variable, message }: Mistake, asked: Changeable): string {
  const sentence = variable === asked ? message : `${variable} ${message}`;
  return CHANGEABLE.reduce((text, each) => text.replaceAll(each, settingName(each)), sentence);
}

/** Names of settings end with it. */
function unitOf(variable: Changeable): 's' | 'ms' | undefined {
  if (variable.endsWith('_SECONDS')) return 's';
  return variable.endsWith('_MS') ? 'ms' : undefined;
}
