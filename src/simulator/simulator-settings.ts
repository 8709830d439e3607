import { z } from 'zod';
import { behaviourSchema } from './behaviour.js';

const SECRET_BYTES_MIN = 32;

const httpUrl = (example: string) =>
  z
    .string({ error: `is required, such as ${example}` })
    .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), `must be such as ${example}`);

const settings = z.object({
  NODE_ENV: z
    .string()
    .optional()
    .refine((environment) => environment !== 'production', 'the simulator never runs in production'),
  SIMULATOR_HOST: z.string().default('127.0.0.1'),
  /** 0: any. */
  SIMULATOR_PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a number from 0 to 65535')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be a number from 0 to 65535')
    .default(0),
  /** What links to the payment page begin with, when it is not where the simulator listens. */
  SIMULATOR_PUBLIC_URL: httpUrl('http://127.0.0.1:4000')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  SIMULATOR_WEBHOOK_URL: httpUrl('http://127.0.0.1:3000/v1/payments/webhooks'),
  /** Comma-separated; the first signs. */
  PAYMENT_WEBHOOK_SECRETS: z
    .string({ error: 'is required' })
    .transform((text) => text.split(',').map((secret) => secret.trim()))
    .refine(
      (all) => all.every((secret) => Buffer.byteLength(secret) >= SECRET_BYTES_MIN),
      `must be secrets of at least ${SECRET_BYTES_MIN} bytes, comma-separated`,
    ),
  /** Where the journal is kept. */
  SIMULATOR_DIRECTORY: z.string({ error: 'is required: where the journal is kept' }),
  /** JSON; see docs/PAYMENTS.md. */
  SIMULATOR_BEHAVIOUR: z.string().default('{}').transform(parseJson).pipe(behaviourSchema),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

export type SimulatorSettings = z.output<typeof settings>;

/** The settings, or all that is wrong with them: one line each, which names the variable and never its value. */
export function readSimulatorSettings(
  environment: Record<string, string | undefined>,
): { settings: SimulatorSettings } | { mistakes: string[] } {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { success, data, error } = settings.safeParse(given);
  if (success) return { settings: data };
  return { mistakes: error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) };
}

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('must be JSON');
    return z.NEVER;
  }
}
