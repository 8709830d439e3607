import { ConfigurationError, loadSettings } from '../../src/config/load-settings.js';

export const SECRET = 'a secret of these tests that is long enough';

/** An environment that is right; an override of undefined takes a variable out of it. */
export const environment = (
  overrides: Record<string, string | undefined> = {},
): Record<string, string | undefined> => ({
  DATABASE_URL: 'postgres://app:pw-of-postgres@db:5432/stampede',
  REDIS_URL: 'redis://:pw-of-redis@cache:6379',
  JWT_SECRET: SECRET,
  PAYMENT_WEBHOOK_SECRETS: SECRET,
  PAYMENT_GATEWAY_URL: 'http://gateway:4000',
  ...overrides,
});

/** All that is wrong with it, a line each. */
export function mistakesOf(overrides: Record<string, string | undefined>): string[] {
  try {
    loadSettings(environment(overrides));
  } catch (error) {
    if (error instanceof ConfigurationError) return error.lines;
    throw error;
  }
  return [];
}
