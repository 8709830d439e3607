import { setTimeout as pause } from 'node:timers/promises';

const ANSWER_WITHIN_MS = 30_000; // an audit reads every buyer of the sale
const OPEN_WITHIN_MS = 15_000;
const ASK_EVERY_MS = 500;
/** Of an answer, in an error. */
const SHOWN_MAX = 500;

/** Longer than the longest run. */
const SALE_HOURS = 24;
/** The sale has begun by every clock, also by one that is a little behind ours. */
const STARTED_MS_AGO = 60 * 60 * 1000;

/** Nobody listens at the address. */
export class NotRunning extends Error {}
/** The system answered something else than it was asked for. `status` is that of HTTP. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** A running Stampede, as its operator sees it: by HTTP, with an admin token. */
export class RunningSystem {
  #baseUrl;
  #adminToken;

  /** @param {string} baseUrl  @param {() => string} adminToken asked before every request, so that none is ever too old */
  constructor(baseUrl, adminToken) {
    this.#baseUrl = baseUrl;
    this.#adminToken = adminToken;
  }

  /** That it answers, and knows our tokens. Throws NotRunning or Refused. */
  async requireRunning() {
    await this.#ask('GET', '/v1/orders?limit=1');
  }

  /**
   * Makes a sale that is open when this resolves.
   *
   * @returns {Promise<string>} its id. Throws NotRunning or Refused.
   */
  async openSale(name, terms) {
    const { saleId } = await this.#ask('POST', '/v1/admin/sales', {
      name,
      sku: 'LOAD-TEST',
      priceMinor: 1999,
      currency: 'USD',
      startsAt: new Date(Date.now() - STARTED_MS_AGO).toISOString(),
      endsAt: new Date(Date.now() + SALE_HOURS * 60 * 60 * 1000).toISOString(),
      ...terms,
    });
    for (const giveUpAt = Date.now() + OPEN_WITHIN_MS; ; await pause(ASK_EVERY_MS)) {
      const { status } = await this.#ask('GET', `/v1/sales/${saleId}`);
      if (status === 'open') return saleId;
      if (Date.now() > giveUpAt) throw new Refused(`the new sale is still ${status}: is a worker running?`);
    }
  }

  /**
   * Ends the sale, so that it is not offered for ever, and asks for its books until nothing is in flight.
   *
   * @param {(audit: object) => boolean} isOver what else must be so.
   * @returns {Promise<{ audit?: object, waitedMs: number, auditProblem?: string }>} the last audit, and what was wrong with the
   * last attempt when there is none. It is not quiescent when that took longer than `withinMs`.
   */
  async settle(saleId, withinMs, isOver = () => true) {
    const startedAt = Date.now();
    let last = {};
    while (Date.now() - startedAt < withinMs) {
      last = await this.#endAndAudit(saleId).catch((error) => ({ auditProblem: error.message }));
      if (last.audit?.quiescent && isOver(last.audit)) break;
      await pause(ASK_EVERY_MS);
    }
    return { ...last, waitedMs: Date.now() - startedAt };
  }

  async #endAndAudit(saleId) {
    await this.#ask('POST', `/v1/admin/sales/${saleId}/end`);
    return { audit: await this.#ask('GET', `/v1/admin/sales/${saleId}/audit`) };
  }

  async #ask(method, path, body) {
    const headers = {
      authorization: `Bearer ${this.#adminToken()}`,
      ...(body && { 'content-type': 'application/json' }),
    };
    const request = {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    };
    const response = await fetch(`${this.#baseUrl}${path}`, request).catch((error) => {
      throw new NotRunning(`nothing answers at ${this.#baseUrl} (${error.cause?.code ?? error.name})`);
    });
    const text = await response.text();
    if (response.ok && response.headers.get('content-type')?.startsWith('application/json')) return JSON.parse(text);
    throw new Refused(`${method} ${path} was answered ${response.status} ${text.slice(0, SHOWN_MAX)}`, response.status);
  }
}
