import { CHANGEABLE, type Changeable } from '../config/settings.js';

/** What operators call a setting: `AUDIT_AFTER_SECONDS` is `audit-after-seconds`. */
export const settingName = (variable: Changeable): string => variable.toLowerCase().replaceAll('_', '-');

const VARIABLES = new Map(CHANGEABLE.map((variable) => [settingName(variable), variable]));

/** Undefined when there is no such setting, or it cannot be changed at run time. */
export const variableOf = (name: string): Changeable | undefined => VARIABLES.get(name);
