import type { Pool } from 'pg';
import { type Logger, pino } from 'pino';
import { loadSettings } from '../../src/config/load-settings.js';
import { createPool } from '../../src/platform/postgres/pool.js';
import { RuntimeSettings } from '../../src/settings/runtime-settings.js';
import { SettingsDesk, type SettingWish } from '../../src/settings/settings-desk.js';
import { ownDatabase } from '../support/own-database.js';

const SECRET = 'a secret of these tests that is long enough';

const environment = (overrides: Record<string, string> = {}) =>
  loadSettings({
    DATABASE_URL: 'postgres://db/stampede',
    REDIS_URL: 'redis://cache:6379',
    JWT_SECRET: SECRET,
    PAYMENT_WEBHOOK_SECRETS: SECRET,
    PAYMENT_GATEWAY_URL: 'http://gateway:4000',
    ...overrides,
  });

describe('changing settings at run time', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  let pool: Pool;
  beforeAll(async () => {
    database = await ownDatabase();
    pool = poolOf(database.url);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(() => pool.query('TRUNCATE settings, admin_actions'));

  const poolOf = (url: string) =>
    createPool({ url, applicationName: 'test', connectionsMax: 4, statementTimeoutMs: 5_000 }, () => undefined);

  interface Line {
    level: number;
    msg: string;
    ignored?: string[];
  }
  /** What one process has, with an environment of its own. */
  function aProcess(overrides: Record<string, string> = {}) {
    const lines: Line[] = [];
    const logger: Logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
    const levels: string[] = [];
    const settings = new RuntimeSettings(environment(overrides), pool, logger, ({ LOG_LEVEL }) => {
      levels.push(LOG_LEVEL);
    });
    const desk = new SettingsDesk(settings, pool);
    const put = (name: string, value: SettingWish['value'], operator = 'olga') =>
      desk.change({ name, value, operator });
    return { settings, desk, put, lines, levels };
  }
  const refused = (detail: string) => ({ refused: detail });

  const actions = async () => {
    const { rows } = await pool.query<Record<string, unknown>>(
      'SELECT actor, action, subject, detail FROM admin_actions ORDER BY action_id',
    );
    return rows;
  };
  const store = (name: string, value: string) =>
    pool.query(`INSERT INTO settings (name, value, changed_by) VALUES ($1, $2, 'somebody')`, [name, value]);

  it('is in force where it was asked for at once, and elsewhere at the next look', async () => {
    const [here, there] = [aProcess(), aProcess()];
    await there.settings.runOnce();
    expect(await here.put('audit-after-seconds', 20)).toEqual({
      name: 'audit-after-seconds',
      value: 20,
      default: 300,
      unit: 's',
      description: expect.stringMatching(/^How often a sale is audited/),
      changedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      changedBy: 'olga',
    });
    expect(here.settings.current.AUDIT_AFTER_SECONDS).toBe(20);
    expect(there.settings.current.AUDIT_AFTER_SECONDS).toBe(300);

    await there.settings.runOnce();

    expect(there.settings.current.AUDIT_AFTER_SECONDS).toBe(20);
    expect(Object.isFrozen(there.settings.current)).toBe(true);
  });

  it('goes back to the environment with null', async () => {
    const { put, settings } = aProcess({ AUDIT_AFTER_SECONDS: '77' });
    await put('audit-after-seconds', 20);
    expect(await put('audit-after-seconds', null)).toMatchObject({ value: 77, changedAt: null, changedBy: null });
    expect(settings.current.AUDIT_AFTER_SECONDS).toBe(77);
  });

  it('is noted with its old and its new value, once for the same value twice', async () => {
    const { put } = aProcess();
    await put('log-level', null);
    const first = await put('log-level', 'warn');
    const again = await put('log-level', 'warn', 'pete');
    await put('log-level', null, 'pete');
    expect(again).toEqual(first);
    const noted = (actor: string, detail: object) => ({
      actor,
      action: 'setting.change',
      subject: 'log-level',
      detail,
    });
    expect(await actions()).toEqual([
      noted('olga', { old: 'info', new: 'warn', isOverridden: true }),
      noted('pete', { old: 'warn', new: 'info', isOverridden: false }),
    ]);
  });

  it.each<[string, string, SettingWish['value'], string]>([
    ['a word for a number', 'audit-after-seconds', '20', 'must be a number, or null'],
    ['a number for a word', 'log-level', 20, 'must be a string, or null'],
    ['less than the least', 'audit-after-seconds', 0, 'must be an integer from 1 to 86400'],
    ['more than the most', 'audit-after-seconds', 86_401, 'must be an integer from 1 to 86400'],
    ['half a second', 'audit-after-seconds', 1.5, 'must be an integer from 1 to 86400'],
    ['infinity', 'audit-after-seconds', Infinity, 'must be an integer from 1 to 86400'],
    [
      'a level that pino has not',
      'log-level',
      'loud',
      expect.stringMatching(/^Invalid option: expected one of/) as string,
    ],
    ['nothing at all', 'log-level', '', expect.stringMatching(/^Invalid option/) as string],
  ])('refuses %s, and changes nothing', async (_, name, value, detail) => {
    const { put, settings } = aProcess();
    expect(await put(name, value)).toEqual(refused(detail));
    expect(settings.current).toMatchObject({ AUDIT_AFTER_SECONDS: 300, LOG_LEVEL: 'info' });
    expect(await actions()).toEqual([]);
  });

  it.each(['port', 'jwt-secret', 'AUDIT_AFTER_SECONDS', '__proto__', ''])('knows no setting %p', async (name) => {
    expect(await aProcess().put(name, 1)).toBe('unknown-setting');
  });

  it('refuses what contradicts another setting, and names that one', async () => {
    const { put } = aProcess();
    const contradiction = 'event-streams-per-buyer must not be more than event-streams-max';
    expect(await put('event-streams-max', 9)).toEqual(refused(contradiction));
    await put('event-streams-max', 500);
    expect(await put('event-streams-per-buyer', 501)).toEqual(refused('must not be more than event-streams-max'));
    await put('event-streams-per-buyer', 400);
    expect(await put('event-streams-max', 399)).toEqual(refused(contradiction));
  });

  it('refuses to go back to a default that contradicts what another was changed to', async () => {
    const { put, settings } = aProcess({ EVENT_STREAMS_MAX: '20' });
    await put('event-streams-max', 500);
    await put('event-streams-per-buyer', 400);
    expect(await put('event-streams-max', null)).toEqual(
      refused('event-streams-per-buyer must not be more than event-streams-max'),
    );
    expect(settings.current.EVENT_STREAMS_MAX).toBe(500);
  });

  it('takes one of two that contradict one another when they are asked for at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      await pool.query('TRUNCATE settings');
      const [one, other] = [aProcess(), aProcess()];
      const answers = await Promise.all([one.put('event-streams-max', 20), other.put('event-streams-per-buyer', 30)]);
      expect(answers.filter((answer) => typeof answer === 'object' && 'refused' in answer)).toHaveLength(1);
    }
  });

  it('follows changes that fit one another only together, whichever was made last', async () => {
    const { put } = aProcess({ EVENT_STREAMS_MAX: '20' });
    await put('event-streams-max', 500);
    await put('event-streams-per-buyer', 400);
    await put('event-streams-max', 600);
    const { settings } = aProcess({ EVENT_STREAMS_MAX: '20' });
    await settings.runOnce();
    expect(settings.current).toMatchObject({ EVENT_STREAMS_PER_BUYER: 400, EVENT_STREAMS_MAX: 600 });
  });

  it('ignores what this version or this environment would refuse to start with, and says so once', async () => {
    await store('audit-after-seconds', 'soon');
    await store('of-another-version', '1');
    await store('event-streams-per-buyer', '30');
    await store('refund-overdue-after-seconds', '60');
    const { settings, desk, lines } = aProcess({ EVENT_STREAMS_MAX: '20' });
    for (let look = 0; look < 3; look += 1) await settings.runOnce();
    expect(settings.current).toMatchObject({
      AUDIT_AFTER_SECONDS: 300,
      EVENT_STREAMS_PER_BUYER: 10,
      REFUND_OVERDUE_AFTER_SECONDS: 60,
    });
    const warnings = lines.filter(({ level }) => level === 40);
    expect(warnings).toEqual([expect.objectContaining({ msg: expect.stringMatching(/^ignores settings/) })]);
    expect(warnings[0]?.ignored?.sort()).toEqual([
      'audit-after-seconds',
      'event-streams-per-buyer',
      'of-another-version',
    ]);
    const shown = desk.list().find(({ name }) => name === 'audit-after-seconds');
    expect(shown).toMatchObject({ value: 300, changedAt: null });
  });

  it('lets another value be set in place of one that is ignored', async () => {
    await store('audit-after-seconds', 'soon');
    expect(await aProcess().put('audit-after-seconds', 20)).toMatchObject({ value: 20, changedBy: 'olga' });
  });

  it('tells who cannot ask each time, once for each change', async () => {
    const { put, settings, levels } = aProcess();
    await settings.runOnce();
    expect(levels).toEqual([]);
    await put('log-level', 'debug');
    await settings.runOnce();
    expect(levels).toEqual(['debug']);
  });

  it('does not let a slow look put back what a quick one has seen since', async () => {
    const { put, settings } = aProcess();
    let answer!: (result: { rows: [] }) => void;
    const slow = new Promise((resolve) => (answer = resolve));
    jest.spyOn(pool, 'query').mockReturnValueOnce(slow as never);
    const looking = settings.runOnce();
    await put('audit-after-seconds', 20);
    answer({ rows: [] });
    await looking;
    expect(settings.current.AUDIT_AFTER_SECONDS).toBe(20);
  });

  it('keeps what was last known in force when Postgres cannot be asked', async () => {
    const { put, settings } = aProcess();
    await put('audit-after-seconds', 20);
    jest.spyOn(pool, 'query').mockRejectedValueOnce(new Error('Connection terminated') as never);
    await expect(settings.runOnce()).rejects.toThrow('Connection terminated');
    expect(settings.current.AUDIT_AFTER_SECONDS).toBe(20);
  });
});
