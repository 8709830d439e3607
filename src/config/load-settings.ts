import { contradictions, type Mistake } from './relations.js';
import { type Changeable, type Settings, variables } from './settings.js';

/** Says all that is wrong with the environment, one line each, naming the variable and never its value. */
export class ConfigurationError extends Error {
  constructor(readonly lines: string[]) {
    super(lines.join('\n'));
    this.name = 'ConfigurationError';
  }
}

const consistent = variables.superRefine(
  (all, context) => {
    for (const { variable, message } of contradictions(all)) {
      context.addIssue({ code: 'custom', path: [variable], message });
    }
  },
  { when: () => true },
);

/** @throws ConfigurationError */
export function loadSettings(environment: Record<string, string | undefined>): Settings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = consistent.safeParse(given);
  if (result.success) return result.data;
  throw new ConfigurationError(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
}

/** Settings in the words of an environment, such as `'20'`. */
export type Words = Partial<Record<Changeable, string>>;

/** What the settings are when some are given anew, or all for which a process would refuse to start with them. */
export function override(settings: Settings, words: Words): { settings: Settings } | { mistakes: Mistake[] } {
  const mistakes: Mistake[] = [];
  const anew: Partial<Record<Changeable, unknown>> = {};
  for (const [variable, text] of Object.entries(words) as [Changeable, string][]) {
    const { success, data, error } = variables.shape[variable].safeParse(text);
    if (success) anew[variable] = data;
    else mistakes.push(...error.issues.map(({ message }) => ({ variable, message })));
  }
  const changed = { ...settings, ...anew } as Settings;
  mistakes.push(...contradictions(changed));
  return mistakes.length === 0 ? { settings: changed } : { mistakes };
}
