import type { Redis } from 'ioredis';

/** Every process that shows orders listens here while somebody looks at one. */
export const ORDER_CHANGES_CHANNEL = 'order-changes';

/**
 * Tells whoever looks at these orders that they look different now.
 *
 * Does not:  promise to arrive: it is a hint. Who looks at an order asks Postgres every few seconds as well.
 */
export class OrderChanges {
  constructor(private readonly redis: Redis) {}

  /** One message for all of them; returns at once, and never throws. */
  publish(orderIds: readonly string[]): void {
    if (orderIds.length === 0) return;
    this.redis.publish(ORDER_CHANGES_CHANNEL, orderIds.join(',')).catch(() => undefined);
  }
}
