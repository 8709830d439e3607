import { type DynamicModule, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { OrderChanges } from '../orders/order-changes.js';
import { type EventJob, queueOf } from '../outbox/event-job.js';
import { Duties } from '../platform/lock/duty.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { LOOK_FOR_DUE_MS, whenDue } from '../platform/loop/when-due.js';
import { JobWorker } from '../platform/queue/job-worker.js';
import { QueueConnections } from '../platform/queue/queue-connections.js';
import { QueueModule } from '../platform/queue/queue.module.js';
import { RuntimeSettings } from '../settings/runtime-settings.js';
import { AskForPayments } from './ask-for-payments.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { GatewayWalk } from './gateway-walk.js';
import { GuardedGateway } from './guarded-gateway.js';
import { HttpGateway } from './http-gateway.js';
import { type PaymentGateway, WebhookReader } from './payment-gateway.js';
import { RefundPayments } from './refund-payments.js';
import { SettleWebhooks } from './settle-webhooks.js';
import { SignedWebhooks } from './signed-webhooks.js';
import { WebhookInbox } from './webhook-inbox.js';
import { WebhookMetrics } from './webhook-metrics.js';
import { WebhooksController } from './webhooks.controller.js';

/** How soon a webhook that was kept is acted on. A look at nothing is one read of an empty index. */
const SETTLE_EVERY_MS = 50;
/** Refunds are few, and one order's are given back one after another. */
const REFUNDS_AT_ONCE = 10;

/** `order.reserved` -> a payment at the gateway; what the gateway tells -> paid, or refunded. */
@Module({})
export class PaymentModule {
  /** Where gateways tell what became of the money. */
  static forApi(): DynamicModule {
    return {
      module: WebhookModule,
      controllers: [WebhooksController],
      providers: [
        { provide: WebhookReader, inject: [SETTINGS], useFactory: createWebhookReader },
        {
          provide: WebhookInbox,
          inject: [pg.Pool, LOGGER],
          useFactory: (pool: pg.Pool, logger: Logger) => new WebhookInbox(pool, logger),
        },
      ],
    };
  }

  static forWorker(): DynamicModule {
    return {
      module: PaymentModule,
      imports: [QueueModule],
      providers: [
        { provide: GuardedGateway, inject: [SETTINGS, Registry, LOGGER], useFactory: createGuardedGateway },
        {
          provide: 'payment worker',
          inject: [QueueConnections, SETTINGS, LOGGER, pg.Pool, GuardedGateway, OrderChanges],
          useFactory: createPaymentWorker,
        },
        {
          provide: 'refunds worker',
          inject: [QueueConnections, SETTINGS, LOGGER, pg.Pool, GuardedGateway, OrderChanges],
          useFactory: createRefundsWorker,
        },
        {
          provide: 'payment loops',
          inject: [RuntimeSettings, LOGGER, pg.Pool, Registry, Duties, GuardedGateway, OrderChanges],
          useFactory: createLoops,
        },
      ],
    };
  }
}

@Module({})
class WebhookModule {}

/** Stripe's library is loaded only by who uses it. */
async function createGateway(settings: Settings): Promise<PaymentGateway> {
  const { STRIPE_SECRET_KEY, PAYMENT_GATEWAY_URL, PAYMENT_RETURN_URL: returnUrl } = settings;
  if (settings.PAYMENT_GATEWAY === 'http') {
    return new HttpGateway({ url: PAYMENT_GATEWAY_URL ?? '', returnUrl, connectionsMax: settings.GATEWAY_CALLS_MAX });
  }
  const { StripeGateway } = await import('./stripe-gateway.js');
  return new StripeGateway({
    secretKey: STRIPE_SECRET_KEY ?? '',
    returnUrl,
    timeoutMs: settings.GATEWAY_TIMEOUT_MS,
  });
}

async function createWebhookReader({ PAYMENT_GATEWAY, PAYMENT_WEBHOOK_SECRETS }: Settings): Promise<WebhookReader> {
  if (PAYMENT_GATEWAY === 'http') return new SignedWebhooks(PAYMENT_WEBHOOK_SECRETS);
  const { StripeWebhooks } = await import('./stripe-webhooks.js');
  return new StripeWebhooks(PAYMENT_WEBHOOK_SECRETS);
}

async function createGuardedGateway(settings: Settings, registry: Registry, logger: Logger): Promise<GuardedGateway> {
  const limits = { timeoutMs: settings.GATEWAY_TIMEOUT_MS, attemptsMax: settings.GATEWAY_ATTEMPTS_MAX };
  const gateway = await createGateway(settings);
  return new GuardedGateway(gateway, limits, new GatewayMetrics(registry, gateway.name), logger);
}

function createPaymentWorker(
  connections: QueueConnections,
  { GATEWAY_CALLS_MAX: concurrency, QUEUE_CLAIM_AFTER_MS: claimAfterMs }: Settings,
  logger: Logger,
  pool: pg.Pool,
  gateway: GuardedGateway,
  changes: OrderChanges,
): JobWorker<EventJob> {
  const payments = new AskForPayments(pool, gateway, changes, logger);
  const options = { queue: queueOf('payment'), concurrency, claimAfterMs };
  return new JobWorker<EventJob>(connections, logger, options, (event) => payments.run(event));
}

function createRefundsWorker(
  connections: QueueConnections,
  { QUEUE_CLAIM_AFTER_MS: claimAfterMs }: Settings,
  logger: Logger,
  pool: pg.Pool,
  gateway: GuardedGateway,
  changes: OrderChanges,
): JobWorker<EventJob> {
  const refunds = new RefundPayments(pool, gateway, changes, logger);
  const options = { queue: queueOf('refunds'), concurrency: REFUNDS_AT_ONCE, claimAfterMs };
  return new JobWorker<EventJob>(connections, logger, options, (event) => refunds.run(event));
}

function createLoops(
  settings: RuntimeSettings,
  logger: Logger,
  pool: pg.Pool,
  registry: Registry,
  duties: Duties,
  gateway: GuardedGateway,
  changes: OrderChanges,
): BackgroundLoops {
  const settling = new SettleWebhooks(pool, changes, new WebhookMetrics(registry), logger, gateway.name);
  const walk = new GatewayWalk(pool, gateway, logger);
  const walkEveryMs = () => settings.current.GATEWAY_WALK_AFTER_SECONDS * 1_000;
  const walkWhenDue = whenDue(walkEveryMs, async (stopping) => {
    await duties.perform('walk of the gateway', (held) => walk.runOnce(held, () => stopping.throwIfAborted()));
  });
  return new BackgroundLoops([
    new PollingLoop({ name: 'settling of webhooks', runOnce: () => settling.runOnce(), idle: SETTLE_EVERY_MS, logger }),
    new PollingLoop({ name: 'walk of the gateway', runOnce: walkWhenDue, idle: LOOK_FOR_DUE_MS, logger }),
  ]);
}
