import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  type RetryPolicy,
  TaskCancelledError,
  timeout,
  type TimeoutPolicy,
  TimeoutStrategy,
} from 'cockatiel';
import type { Logger } from 'pino';
import type { GatewayMetrics, GatewayOperation, GatewayOutcome } from './gateway-metrics.js';
import {
  type AskedPayment,
  type AskedRefund,
  type Charge,
  GatewayRefusal,
  type PaymentGateway,
  type PaymentRequest,
  type RefundRequest,
} from './payment-gateway.js';

export interface GatewayLimits {
  /** Of one attempt. */
  timeoutMs: number;
  /** The first one included. */
  attemptsMax: number;
  /** How long an open breaker lets nothing through before it tries one call. */
  breakMs?: number;
}

/** Attempts that fail one after another before nobody is let through any more. With fewer a single slow moment would do it. */
export const FAILURES_TO_BREAK = 10;
/** One call in two seconds is what a gateway that is away costs, and how late it is noticed that it is back. */
const BREAK_MS = 2_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 2_000;

/** The gateway has failed too often: it is not called for a moment. */
export class GatewayUnavailable extends Error {
  override readonly name = 'GatewayUnavailable';
}

/**
 * A gateway that nobody waits for in vain: each attempt has a time limit, what passes is tried again after a jittered and
 * growing wait, and when it fails again and again a circuit breaker lets nothing through for a moment.
 *
 * Does not:  try again, nor count against the gateway, what it refuses.
 * Does not:  share what it knows with other processes: each finds out by itself, with ten attempts.
 */
export class GuardedGateway implements PaymentGateway {
  readonly name: string;
  readonly #retry: RetryPolicy;
  readonly #breaker: CircuitBreakerPolicy;
  readonly #timeout: TimeoutPolicy;
  #isOpen = false;

  constructor(
    private readonly gateway: PaymentGateway,
    { timeoutMs, attemptsMax, breakMs = BREAK_MS }: GatewayLimits,
    private readonly metrics: GatewayMetrics,
    private readonly logger: Logger,
  ) {
    this.name = gateway.name;
    const isWorthRepeating = (error: Error) => isPassing(error) && !(error instanceof GatewayUnavailable);
    this.#retry = retry(handleWhen(isWorthRepeating), {
      maxAttempts: attemptsMax - 1,
      backoff: new ExponentialBackoff({ initialDelay: RETRY_MS_MIN, maxDelay: RETRY_MS_MAX }),
    });
    this.#breaker = circuitBreaker(handleWhen(isPassing), {
      halfOpenAfter: breakMs,
      breaker: new ConsecutiveBreaker(FAILURES_TO_BREAK),
    });
    this.#breaker.onBreak((reason) => this.noteOpen('error' in reason ? reason.error : undefined));
    this.#breaker.onReset(() => this.noteClosed());
    this.#timeout = timeout(timeoutMs, TimeoutStrategy.Aggressive);
  }

  /** @throws GatewayRefusal; GatewayUnavailable while the breaker is open; the last error when all attempts have failed. */
  askForPayment(request: PaymentRequest, signal?: AbortSignal): Promise<AskedPayment> {
    return this.call('ask', (until) => this.gateway.askForPayment(request, until), signal);
  }

  /** @throws as `askForPayment`. */
  refund(request: RefundRequest, signal?: AbortSignal): Promise<AskedRefund> {
    return this.call('refund', (until) => this.gateway.refund(request, until), signal);
  }

  /** Each page is one attempt. @throws as `askForPayment`; then the walk has to begin anew. */
  async *chargesSince(since: Date, signal: AbortSignal): AsyncIterable<Charge[]> {
    const giveUp = new AbortController();
    const pages = this.gateway.chargesSince(since, AbortSignal.any([signal, giveUp.signal]))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const page = await this.attempt('charges', () => pages.next(), signal);
        if (page.done === true) return;
        yield page.value;
      }
    } finally {
      giveUp.abort(); // the call of a page that came too late
    }
  }

  private call<T>(operation: GatewayOperation, work: Work<T>, signal = new AbortController().signal): Promise<T> {
    return this.#retry.execute((attempt) => this.attempt(operation, work, attempt.signal), signal);
  }

  private async attempt<T>(operation: GatewayOperation, work: Work<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.#breaker.execute(() => this.measured(operation, work, signal));
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      throw new GatewayUnavailable(`the gateway '${this.name}' has failed too often and is not called for a moment`);
    }
  }

  private async measured<T>(operation: GatewayOperation, work: Work<T>, signal: AbortSignal): Promise<T> {
    const beganAtMs = performance.now();
    const note = (outcome: GatewayOutcome) =>
      this.metrics.attempt(operation, outcome, (performance.now() - beganAtMs) / 1_000);
    try {
      const result = await this.#timeout.execute((attempt) => work(attempt.signal), signal);
      note('ok');
      return result;
    } catch (error) {
      // Who asked has gone: that says nothing of the gateway.
      if (signal.aborted) throw new GivenUp('nobody waits for the gateway any more', { cause: error });
      note(outcomeOf(error));
      throw error;
    }
  }

  private noteOpen(err: Error | undefined): void {
    if (this.#isOpen) return; // the one call that was let through has failed as well
    this.#isOpen = true;
    this.metrics.breaker('open');
    this.logger.warn({ err, gateway: this.name }, 'the gateway fails again and again: the circuit breaker is open');
  }

  private noteClosed(): void {
    this.#isOpen = false;
    this.metrics.breaker('closed');
    this.logger.info({ gateway: this.name }, 'the gateway answers again: the circuit breaker is closed');
  }
}

type Work<T> = (until: AbortSignal) => Promise<T>;

class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

const isPassing = (error: Error): boolean => !(error instanceof GatewayRefusal || error instanceof GivenUp);

function outcomeOf(error: unknown): GatewayOutcome {
  if (error instanceof GatewayRefusal) return 'refused';
  return error instanceof TaskCancelledError ? 'timeout' : 'failed';
}
