import { Registry } from 'prom-client';
import { AskForPayments } from '../../src/payment/ask-for-payments.js';
import { GatewayMetrics } from '../../src/payment/gateway-metrics.js';
import { GatewayWalk } from '../../src/payment/gateway-walk.js';
import { GuardedGateway } from '../../src/payment/guarded-gateway.js';
import { HttpGateway } from '../../src/payment/http-gateway.js';
import { RefundPayments } from '../../src/payment/refund-payments.js';
import type { EventJob } from '../../src/outbox/event-job.js';
import type { BehaviourInput } from '../../src/simulator/behaviour.js';
import { type Simulator, startSimulator } from '../../src/simulator/start-simulator.js';
import { freePort } from './free-port.js';
import { silent } from './lane-parts.js';
import type { MoneyCorner } from './money-corner.js';
import { privateDirectory, removeDirectory } from './private-directory.js';

/** The simulator, and what calls it, for one spec. Its webhooks go nowhere: who settles is told by hand. */
export class GatewayInACorner {
  readonly gateway: GuardedGateway;
  readonly payments: AskForPayments;
  readonly refunds: RefundPayments;
  readonly walk: GatewayWalk;
  readonly #http: HttpGateway;
  #simulator!: Simulator;

  private constructor(
    private readonly money: MoneyCorner,
    readonly port: number,
    private readonly directory: string,
    logger: typeof silent,
  ) {
    const { pool } = money.corner;
    this.#http = new HttpGateway({ url: this.url, returnUrl: 'http://127.0.0.1:9/' });
    const limits = { timeoutMs: 1_000, attemptsMax: 1, breakMs: 100 };
    this.gateway = new GuardedGateway(this.#http, limits, new GatewayMetrics(new Registry(), 'http'), silent);
    this.payments = new AskForPayments(pool, this.gateway, money.changes, logger);
    this.refunds = new RefundPayments(pool, this.gateway, money.changes, logger);
    this.walk = new GatewayWalk(pool, this.gateway, silent);
  }

  static async open(money: MoneyCorner, logger = silent): Promise<GatewayInACorner> {
    const corner = new GatewayInACorner(money, await freePort(), privateDirectory(), logger);
    await corner.start();
    return corner;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#simulator = await startSimulator({
      host: '127.0.0.1',
      port: this.port,
      webhookUrl: 'http://127.0.0.1:9/',
      webhookSecret: 'nobody listens to what is signed with it',
      directory: this.directory,
      behaviour: {},
      logger: silent,
    });
  }

  stop(): Promise<void> {
    return this.#simulator.close();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#http.close();
    await removeDirectory(this.directory);
  }

  behave(behaviour: BehaviourInput): void {
    this.#simulator.setBehaviour(behaviour);
  }

  /** A person approves on the page of the gateway. */
  async approve(paymentId: string): Promise<void> {
    const { ok } = await fetch(`${this.url}/pay/${paymentId}/approve`, { method: 'POST' });
    if (!ok) throw new Error('the gateway does not take the approval');
  }

  /** The payments that are recorded for an order. */
  async paymentsOf(orderId: string): Promise<{ paymentId: string; url: string | null; isConfirmed: boolean }[]> {
    const { rows } = await this.money.corner.pool.query<{
      paymentId: string;
      url: string | null;
      isConfirmed: boolean;
    }>(
      `SELECT payment_id AS "paymentId", payment_url AS url, confirmed_at IS NOT NULL AS "isConfirmed"
       FROM payments WHERE order_id = $1`,
      [orderId],
    );
    return rows;
  }

  /** The events of one consumer, as its queue would hand them over. */
  async jobsOf(consumer: string): Promise<EventJob[]> {
    const { rows } = await this.money.corner.pool.query<EventJob>(
      `SELECT event_id AS "eventId", sale_id AS "saleId", order_id AS "orderId" FROM outbox_events
       WHERE consumer = $1 ORDER BY event_id`,
      [consumer],
    );
    return rows;
  }

  walkOnce(): Promise<number> {
    return this.money.corner.underLease('walk', (held) => this.walk.runOnce(held));
  }
}
