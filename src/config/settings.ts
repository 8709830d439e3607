import { z } from 'zod';

const LOCAL_HOST = '127.0.0.1';
const SECRET_BYTES_MIN = 32;

const int = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be an integer from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be an integer from ${min} to ${max}`);

const url = (...protocols: string[]) =>
  z
    .string({ error: `is required, such as ${protocols[0] ?? ''}//… (\`npm start\` brings its own)` })
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must begin with ${protocols[0] ?? ''}//`,
    );

/** Each secret may verify; the first signs. */
const secrets = z
  .string({ error: 'is required' })
  .transform((text) => text.split(',').map((secret) => secret.trim()))
  .refine(
    (all) => all.every(isStrong),
    `must be secrets of at least ${SECRET_BYTES_MIN} bytes, comma-separated, and no defaults`,
  );

const isStrong = (secret: string) => Buffer.byteLength(secret) >= SECRET_BYTES_MIN && !/change.?me/i.test(secret);

/** Every variable that the application reads, once: its form, its default and what it means. */
export const variables = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  /** HTTP listener. */
  PORT: int(0, 65_535).default(3000),
  HOST: z.string().min(1).default(LOCAL_HOST),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  REDIS_URL: url('redis:', 'rediss:'),
  /** The Redis of BullMQ; what it loses is handed over again. Without it, that of the stock. */
  QUEUE_REDIS_URL: url('redis:', 'rediss:').optional(),
  /** HS256 keys of access tokens. */
  JWT_SECRET: secrets,
  /** With these gateways sign what they tell us; any may sign. */
  PAYMENT_WEBHOOK_SECRETS: secrets,
  /** `http`: whoever speaks the protocol of docs/PAYMENTS.md at PAYMENT_GATEWAY_URL, such as the simulator. */
  PAYMENT_GATEWAY: z.enum(['http', 'stripe']).default('http'),
  PAYMENT_GATEWAY_URL: url('http:', 'https:').optional(),
  STRIPE_SECRET_KEY: z.string().optional(),
  /** Where the gateway sends a buyer's browser back to. */
  PAYMENT_RETURN_URL: url('http:', 'https:').default('http://127.0.0.1:3000/'),
  /** The longest that one call of the gateway may take, and how often it is made before the job is left for later. */
  GATEWAY_TIMEOUT_MS: int(100, 60_000).default(3_000),
  GATEWAY_ATTEMPTS_MAX: int(1, 10).default(3),
  /** Calls of the gateway that one process makes at once. */
  GATEWAY_CALLS_MAX: int(1, 1_000).default(50),
  /** How often the charges of the gateway are compared with ours. */
  GATEWAY_WALK_AFTER_SECONDS: int(1, 86_400).default(60),
  /** A refund that is due for longer is a difference of the books. */
  REFUND_OVERDUE_AFTER_SECONDS: int(1, 2_592_000).default(3_600),
  /** How long an event that was handed over may go without its effect before it is handed over again. */
  OUTBOX_LEASE_SECONDS: int(1, 3_600).default(30),
  /** How long a worker of a queue may be silent before its jobs are taken over. */
  QUEUE_CLAIM_AFTER_MS: int(500, 600_000).default(5_000),
  /** Event streams that one buyer, and one process, may hold open. */
  EVENT_STREAMS_PER_BUYER: int(1, 1_000).default(10),
  EVENT_STREAMS_MAX: int(1, 100_000).default(10_000),
  /** When set, a token must name it as `iss`. */
  JWT_ISSUER: z.string().optional(),
  /** When set, a token must name it as `aud`. */
  JWT_AUDIENCE: z.string().optional(),
  /** A listener of its own for `/metrics` and `/health`; a worker has no other. */
  METRICS_PORT: int(0, 65_535).optional(),
  /** Lanes of the system; fixed once there are sales. */
  STOCK_LANES: int(1, 1_024).default(1),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Requests that one script call decides at most: bounds how long it holds Redis (about 5 us each). */
  INTAKE_BATCH_MAX: int(1, 2_000).default(256),
  /** Order requests of one process that may wait for Redis; beyond, they are refused at once. */
  INTAKE_QUEUE_MAX: int(1, 100_000).default(4_096),
  /** How long an order may have to wait until it is stored, by the rate at which its lane stores; beyond, none is accepted. */
  BACKLOG_WAIT_SECONDS_MAX: int(1, 3_600).default(30),
  /** Orders that a lane may hold and not have stored, however fast it is: about 350 bytes of Redis each. */
  BACKLOG_ORDERS_MAX: int(1_000, 100_000_000).default(500_000),
  /** Entries that a worker reads at once; as many again when it takes over those of another. */
  PERSIST_BATCH_MAX: int(1, 10_000).default(2_000),
  /** Limit of every statement; a storing one of 2,000 orders takes 40 ms here. */
  STATEMENT_TIMEOUT_MS: int(100, 60_000).default(5_000),
  /** How long a worker may be silent before another takes its entries over. */
  PERSIST_CLAIM_AFTER_MS: int(100, 600_000).default(15_000),
  /** How often a sale is audited by itself: each time all its orders are read. */
  AUDIT_AFTER_SECONDS: int(1, 86_400).default(300),
  /** Places at which the process is to kill itself, comma-separated: for tests of crashes only. */
  FAILPOINTS: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .default([]),
  /** Connections to Postgres of one process. */
  POSTGRES_CONNECTIONS_MAX: int(2, 200).default(10),
});

/**
 * Settings that are each valid can still contradict one another. Looked at also when others are wrong or missing, so that
 * all is said at once: a comparison with one of those is false, so write each so that true is the mistake.
 */
const settings = variables.superRefine(
  (all, context) => {
    const problem = (variable: keyof typeof all, message: string) =>
      context.addIssue({ code: 'custom', path: [variable], message });
    if (all.NODE_ENV === 'production' && all.FAILPOINTS.length > 0) {
      problem('FAILPOINTS', 'must not be set in production');
    }
    if (all.PERSIST_CLAIM_AFTER_MS < 2 * all.STATEMENT_TIMEOUT_MS) {
      problem(
        'PERSIST_CLAIM_AFTER_MS',
        'must be at least twice STATEMENT_TIMEOUT_MS, or work in hand would be taken over',
      );
    }
    if (all.PAYMENT_GATEWAY === 'http' && all.PAYMENT_GATEWAY_URL === undefined) {
      problem('PAYMENT_GATEWAY_URL', 'is required, such as http://… (`npm start` brings its own)');
    }
    if (all.PAYMENT_GATEWAY === 'stripe' && all.STRIPE_SECRET_KEY === undefined) {
      problem('STRIPE_SECRET_KEY', 'is required with PAYMENT_GATEWAY=stripe');
    }
    if (all.OUTBOX_LEASE_SECONDS * 1000 <= all.GATEWAY_ATTEMPTS_MAX * all.GATEWAY_TIMEOUT_MS) {
      problem(
        'OUTBOX_LEASE_SECONDS',
        'must be more than GATEWAY_ATTEMPTS_MAX times GATEWAY_TIMEOUT_MS, or events in hand would be handed over again',
      );
    }
  },
  { when: () => true },
);

export type Settings = z.infer<typeof settings>;

/** Says all that is wrong with the environment, one line each, naming the variable and never its value. */
export class ConfigurationError extends Error {
  constructor(readonly lines: string[]) {
    super(lines.join('\n'));
    this.name = 'ConfigurationError';
  }
}

/** @throws ConfigurationError */
export function loadSettings(environment: Record<string, string | undefined>): Settings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = settings.safeParse(given);
  if (result.success) return result.data;
  throw new ConfigurationError(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
}
