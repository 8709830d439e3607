import type { Settings } from './settings.js';

/** What is wrong with a setting. The message never shows its value, and may name other variables. */
export interface Mistake {
  variable: keyof Settings;
  message: string;
}

/**
 * Settings that are each valid can still contradict one another. Looked at also when others are wrong or missing, so that
 * all is said at once: a comparison with one of those is false, so write each so that true is the mistake.
 */
export function contradictions(all: Settings): Mistake[] {
  return [
    ...contradictionsOfKeys(all),
    ...contradictionsOfStoring(all),
    ...contradictionsOfLimits(all),
    ...contradictionsOfMoney(all),
  ];
}

function contradictionsOfKeys({ JWT_SECRET, JWT_PUBLIC_KEY }: Settings): Mistake[] {
  if ((JWT_SECRET === undefined) !== (JWT_PUBLIC_KEY === undefined)) return [];
  const message =
    JWT_SECRET === undefined
      ? 'is required, or JWT_PUBLIC_KEY in its place'
      : 'must not be set beside JWT_PUBLIC_KEY: unset one of them';
  return [{ variable: 'JWT_SECRET', message }];
}

function contradictionsOfStoring(all: Settings): Mistake[] {
  const mistakes: Mistake[] = [];
  if (all.NODE_ENV === 'production' && all.FAILPOINTS.length > 0) {
    mistakes.push({ variable: 'FAILPOINTS', message: 'must not be set in production' });
  }
  if (all.PERSIST_CLAIM_AFTER_MS < 2 * all.STATEMENT_TIMEOUT_MS) {
    mistakes.push({
      variable: 'PERSIST_CLAIM_AFTER_MS',
      message: 'must be at least twice STATEMENT_TIMEOUT_MS, or work in hand would be taken over',
    });
  }
  return mistakes;
}

function contradictionsOfLimits(all: Settings): Mistake[] {
  const mistakes: Mistake[] = [];
  if (all.EVENT_STREAMS_PER_BUYER > all.EVENT_STREAMS_MAX) {
    mistakes.push({ variable: 'EVENT_STREAMS_PER_BUYER', message: 'must not be more than EVENT_STREAMS_MAX' });
  }
  if (all.EVENT_STREAMS_MAX >= all.CONNECTIONS_MAX) {
    mistakes.push({
      variable: 'EVENT_STREAMS_MAX',
      message: 'must be less than CONNECTIONS_MAX, or those who watch would keep out those who buy',
    });
  }
  return mistakes;
}

function contradictionsOfMoney(all: Settings): Mistake[] {
  const mistakes: Mistake[] = [];
  if (all.PAYMENT_GATEWAY === 'http' && all.PAYMENT_GATEWAY_URL === undefined) {
    mistakes.push({
      variable: 'PAYMENT_GATEWAY_URL',
      message: 'is required, such as http://… (`npm start` brings its own)',
    });
  }
  if (all.PAYMENT_GATEWAY === 'stripe' && all.STRIPE_SECRET_KEY === undefined) {
    mistakes.push({ variable: 'STRIPE_SECRET_KEY', message: 'is required with PAYMENT_GATEWAY=stripe' });
  }
  if (all.OUTBOX_LEASE_SECONDS * 1000 <= all.GATEWAY_ATTEMPTS_MAX * all.GATEWAY_TIMEOUT_MS) {
    mistakes.push({
      variable: 'OUTBOX_LEASE_SECONDS',
      message:
        'must be more than GATEWAY_ATTEMPTS_MAX times GATEWAY_TIMEOUT_MS, or events in hand would be handed over again',
    });
  }
  return mistakes;
}
