import { z } from 'zod';
import { int, publicKeys, secrets, url } from './forms.js';

/**
 * Every variable that the application reads, once: its form, its default and what it means. `npm run env-example` writes
 * .env.example from it, and adds to each description what the form says: bounds, unit, whether it is required.
 *
 * Where one has no description, that of the one before is about both.
 */
export const variables = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('In production the public listener hides details of health, and shows metrics to admins only'),
  PORT: int(0, 65_535).default(3000).describe('HTTP listener'),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATABASE_URL: url('postgres:', 'postgresql:').describe('postgres://user:password@host:5432/database'),
  REDIS_URL: url('redis:', 'rediss:').describe(
    'redis://:password@host:6379, a Redis 7 or newer with `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`',
  ),
  QUEUE_REDIS_URL: url('redis:', 'rediss:')
    .optional()
    .describe(
      'The Redis of BullMQ, 7 or newer, with `maxmemory-policy noeviction`; what it loses is handed over again. Without it: REDIS_URL, which payments then slow down',
    ),
  JWT_SECRET: secrets
    .optional()
    .describe(
      'Required, or JWT_PUBLIC_KEY in its place: HS256 keys of access tokens, at least 32 bytes each, comma-separated for rotation; each may verify, the first signs. One way to make one: openssl rand -hex 32',
    ),
  JWT_PUBLIC_KEY: publicKeys
    .optional()
    .describe(
      'Keys of whoever else signs access tokens, as PEM (BEGIN PUBLIC KEY), where a line break may be written \\n: Ed25519 (EdDSA), P-256 (ES256), or RSA of at least 2048 bits (RS256). One after another for rotation; each may verify',
    ),
  PAYMENT_WEBHOOK_SECRETS: secrets.describe(
    'secrets with which gateways sign what they tell us, at least 32 bytes each, comma-separated for rotation; any may sign',
  ),
  PAYMENT_GATEWAY: z
    .enum(['http', 'stripe'])
    .default('http')
    .describe(
      'http: whoever speaks the protocol of docs/PAYMENTS.md at PAYMENT_GATEWAY_URL, as the simulator does. stripe: docs/STRIPE.md',
    ),
  PAYMENT_GATEWAY_URL: url('http:', 'https:').optional().describe('Must be set for http: http://host:port'),
  STRIPE_SECRET_KEY: z.string().optional().describe('Must be set for stripe'),
  PAYMENT_RETURN_URL: url('http:', 'https:')
    .default('http://127.0.0.1:3000/')
    .describe("Where the gateway sends a buyer's browser back to"),
  GATEWAY_TIMEOUT_MS: int(100, 60_000).default(3_000).describe('The longest that one call of the gateway may take'),
  GATEWAY_ATTEMPTS_MAX: int(1, 10).default(3).describe('How often a call is made before its job is left for later'),
  GATEWAY_CALLS_MAX: int(1, 1_000).default(50).describe('Calls of the gateway that one process makes at once'),
  GATEWAY_WALK_AFTER_SECONDS: int(1, 86_400)
    .default(60)
    .describe('How often the charges of the gateway are compared with ours'),
  REFUND_OVERDUE_AFTER_SECONDS: int(1, 2_592_000)
    .default(3_600)
    .describe('A refund that is due for longer is a difference of the books'),
  OUTBOX_LEASE_SECONDS: int(1, 3_600)
    .default(30)
    .describe(
      'How long an event that was handed over may go without its effect before it is handed over again; more than all attempts of a call take',
    ),
  QUEUE_CLAIM_AFTER_MS: int(500, 600_000)
    .default(5_000)
    .describe('How long a worker of a queue may be silent before its jobs are taken over'),
  EVENT_STREAMS_PER_BUYER: int(1, 1_000).default(10).describe('Event streams that one buyer may hold open'),
  EVENT_STREAMS_MAX: int(1, 100_000).default(10_000).describe('Event streams that one process may hold open'),
  JWT_ISSUER: z.string().optional().describe('When set, access tokens must name it as issuer (`iss`)'),
  JWT_AUDIENCE: z.string().optional().describe('When set, access tokens must name it as audience (`aud`)'),
  METRICS_PORT: int(0, 65_535)
    .optional()
    .describe('A listener of its own for /metrics and /health. A worker has no other; without it, it has none'),
  STOCK_LANES: int(1, 1_024)
    .default(1)
    .describe('Lanes of the system: more of them spread the load over more of Redis. Fixed once there are sales'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('What is logged: this and what is graver, as JSON lines to stdout'),
  INTAKE_BATCH_MAX: int(1, 2_000)
    .default(256)
    .describe('Requests that one script call decides at most: bounds how long it holds Redis (about 5 us each)'),
  INTAKE_QUEUE_MAX: int(1, 100_000)
    .default(4_096)
    .describe('Order requests of one process that may wait for Redis; beyond, they are refused at once'),
  BACKLOG_WAIT_SECONDS_MAX: int(0, 3_600)
    .default(30)
    .describe(
      'How long an order may have to wait until it is stored, by the rate at which its lane stores; beyond, none is accepted. 0: however long',
    ),
  BACKLOG_ORDERS_MAX: int(1_000, 100_000_000)
    .default(500_000)
    .describe('Orders that a lane may hold and not have stored, however fast it is: about 350 bytes of Redis each'),
  BUYER_RATE_PER_SECOND: int(1, 100_000)
    .default(20)
    .describe('Requests that a buyer may send to one process in the long run; beyond, they are refused'),
  BUYER_RATE_BURST: int(1, 100_000)
    .default(100)
    .describe('Requests that a buyer may send to one process at once, after a while without any'),
  REQUESTS_MAX: int(1, 1_000_000)
    .default(8_192)
    .describe('Requests that one process has in work; beyond, they are refused at once'),
  REQUEST_BYTES_MAX: int(65_536, 999_999_999)
    .default(67_108_864)
    .describe('Bytes of the bodies of these requests, as they announce them; beyond, they are refused at once'),
  CONNECTIONS_MAX: int(1, 1_000_000)
    .default(20_000)
    .describe(
      'Connections of clients to one process; beyond, they are told so and closed. More than EVENT_STREAMS_MAX',
    ),
  PERSIST_BATCH_MAX: int(1, 10_000)
    .default(2_000)
    .describe('Entries that a worker reads at once; as many again when it takes over those of another'),
  STATEMENT_TIMEOUT_MS: int(100, 60_000)
    .default(5_000)
    .describe('Limit of every statement; a storing one of 2,000 orders takes 40 ms here'),
  PERSIST_CLAIM_AFTER_MS: int(100, 600_000)
    .default(15_000)
    .describe(
      'How long a worker may be silent before another takes its entries over; at least twice STATEMENT_TIMEOUT_MS',
    ),
  AUDIT_AFTER_SECONDS: int(1, 86_400)
    .default(300)
    .describe('How often a sale is audited by itself: each time all its orders are read'),
  FAILPOINTS: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .default([])
    .describe(
      'Places at which the process is to kill itself, comma-separated: for tests of crashes only, refused in production',
    ),
  POSTGRES_CONNECTIONS_MAX: int(2, 200).default(10).describe('Connections to Postgres of one process'),
});

export type Settings = z.infer<typeof variables>;

/**
 * Those that an operator may change while everything runs (src/settings). Whoever uses one asks for it each time, as
 * `() => settings.current.…`: a value that was kept would be the one of the start.
 */
export const CHANGEABLE = [
  'LOG_LEVEL',
  'EVENT_STREAMS_PER_BUYER',
  'EVENT_STREAMS_MAX',
  'BUYER_RATE_PER_SECOND',
  'BUYER_RATE_BURST',
  'BACKLOG_WAIT_SECONDS_MAX',
  'BACKLOG_ORDERS_MAX',
  'AUDIT_AFTER_SECONDS',
  'REFUND_OVERDUE_AFTER_SECONDS',
  'GATEWAY_WALK_AFTER_SECONDS',
  'PERSIST_BATCH_MAX',
] as const satisfies readonly (keyof Settings)[];
export type Changeable = (typeof CHANGEABLE)[number];
export type ChangeableSettings = Readonly<Pick<Settings, Changeable>>;
