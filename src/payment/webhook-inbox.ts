import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { failpoint } from '../platform/failpoint.js';
import { Batcher } from '../platform/loop/batcher.js';
import type { GatewayEvent } from './payment-gateway.js';

const BATCH_MAX = 500;

interface Incoming {
  event: GatewayEvent;
  bodyHash: Buffer;
}

const STORE = `
  INSERT INTO webhook_events (id, type, payment_id, order_id, amount_minor, currency, body_hash)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::bytea[])
  ORDER BY 1
  ON CONFLICT (id) DO NOTHING`;

/** Those that were stored before with another body. */
const SELECT_OTHERS = `
  SELECT id FROM webhook_events JOIN unnest($1::text[], $2::bytea[]) AS e (id, body_hash) USING (id)
  WHERE webhook_events.body_hash <> e.body_hash`;

/**
 * Keeps what gateways tell us, before anybody acts on it.
 *
 * Promises:  what it has answered for is committed; the same event again changes nothing.
 * Promises:  an id that comes again with another body is an alarm, and has no effect: the first one stands.
 */
export class WebhookInbox {
  readonly #storing: Batcher<Incoming, undefined>;

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {
    this.#storing = new Batcher((incoming) => this.store(incoming), BATCH_MAX);
  }

  /** @param body as it was signed. @throws while Postgres is away: the gateway sends it again. */
  async keep(event: GatewayEvent, body: Buffer): Promise<void> {
    await this.#storing.add({ event, bodyHash: createHash('sha256').update(body).digest() });
    failpoint('webhook-kept');
  }

  private async store(incoming: readonly Incoming[]): Promise<undefined[]> {
    const column = <T>(of: (event: GatewayEvent) => T) => incoming.map(({ event }) => of(event));
    const ids = column(({ id }) => id);
    const hashes = incoming.map(({ bodyHash }) => bodyHash);
    const { rowCount } = await this.pool.query({
      name: 'keep-webhooks',
      text: STORE,
      values: [
        ids,
        column(({ type }) => type),
        column(({ paymentId }) => paymentId),
        column(({ orderId }) => orderId),
        column(({ amountMinor }) => amountMinor),
        column(({ currency }) => currency),
        hashes,
      ],
    });
    if (rowCount !== incoming.length) await this.lookForOthers(ids, hashes);
    return [];
  }

  private async lookForOthers(ids: readonly string[], hashes: readonly Buffer[]): Promise<void> {
    const { rows } = await this.pool.query<{ id: string }>(SELECT_OTHERS, [ids, hashes]);
    for (const { id } of rows) {
      this.logger.error({ webhookId: id }, 'a webhook came again with another body; the first one stands');
    }
  }
}
