import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { ChangeableSettings, Settings } from '../config/settings.js';
import { follow, type InForce, type Override, selectOverrides } from './overrides.js';

/**
 * The settings that are in force in this process: those of its environment, and over them what operators have set.
 *
 * Promises:  a change is in force in every process within a second. While Postgres is away the last known ones are.
 * Promises:  what is in force could also be started with: an override that contradicts the environment of this process, or
 *            that this version does not take, is left out, and the log says so once.
 * Does not:  tell those who have asked before; ask each time.
 */
export class RuntimeSettings {
  #inForce: InForce;
  #seen = '[]';
  #looks = 0;
  #newestLook = 0;

  /**
   * @param defaults those of the environment.
   * @param onChange is told of every change, for what cannot ask each time.
   */
  constructor(
    readonly defaults: Settings,
    private readonly pool: Pool,
    private readonly logger: Logger,
    private readonly onChange: (current: ChangeableSettings) => void,
  ) {
    this.#inForce = { settings: Object.freeze({ ...defaults }), overrides: new Map() };
  }

  /** Frozen: a change is another object. */
  get current(): ChangeableSettings {
    return this.#inForce.settings;
  }

  /** Those that are in force here. */
  get overrides(): InForce['overrides'] {
    return this.#inForce.overrides;
  }

  /** One look at what operators have set. @returns 0: the next one is not due before its time. */
  async runOnce(): Promise<number> {
    const look = ++this.#looks;
    const overrides = await selectOverrides(this.pool);
    if (look < this.#newestLook) return 0; // one that began later was answered first, and knows more
    this.#newestLook = look;
    const seen = JSON.stringify(overrides);
    if (seen !== this.#seen) this.follow(overrides);
    this.#seen = seen;
    return 0;
  }

  private follow(all: readonly Override[]): void {
    const { settings, overrides } = follow(this.defaults, all);
    this.#inForce = { settings: Object.freeze(settings), overrides };
    const followed = [...overrides.values()];
    const inForce = Object.fromEntries(followed.map(({ name, value }) => [name, value]));
    this.logger.info({ overrides: inForce }, 'settings were changed at run time');
    const ignored = all.filter((each) => !followed.includes(each)).map(({ name }) => name);
    if (ignored.length > 0) this.logger.warn({ ignored }, 'ignores settings that it would refuse to start with');
    this.onChange(this.current);
  }
}
