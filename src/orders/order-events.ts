import type { Redis } from 'ioredis';
import { Batcher } from '../platform/loop/batcher.js';
import { ORDER_CHANGES_CHANNEL } from './order-changes.js';
import type { Asked, OrderReader, QueuedOrder } from './order-reader.js';
import type { OrderView } from './order-view.js';
import { ORDER_NOT_FOUND } from './paths.js';

/** Orders that one query reads: 5,000 take some 130 ms, of which other requests wait for a few ms at a time. */
const READ_MAX = 5_000;

/** Somebody who looks at one order. */
export interface Viewer extends Asked {
  /** How the order looks, which may be as before. */
  show: (order: OrderView) => void;
  /** There is nothing more to come. */
  end: () => void;
}

/**
 * Shows orders to all who look at them, as they change.
 *
 * Promises:  a change is shown at once when it is heard of, and by the next sweep when it is not.
 * Promises:  however many look, one query at a time reads all of their orders that may have changed.
 * Does not:  ask Redis again about an order that waits to be stored, unless its lane was rebuilt: it may be lost then.
 */
export class OrderEvents {
  readonly #viewers = new Map<string, Set<Viewer>>();
  readonly #queued = new WeakMap<Viewer, QueuedOrder>();
  readonly #reads = new Batcher((viewers: readonly Viewer[]) => this.read(viewers), READ_MAX);
  #isListening = false;
  #listening = Promise.resolve();
  #isEnding = false;

  constructor(
    private readonly reader: OrderReader,
    private readonly subscriber: Redis,
  ) {
    subscriber.on('message', (_channel, orderIds) => this.hear(orderIds.split(',')));
    subscriber.on('close', () => (this.#isListening = false));
    subscriber.on('ready', () => void this.listen());
  }

  /** @returns how the order looks now; what comes later is shown. @throws Problem `order-not-found`, `store-unavailable` */
  async join(viewer: Viewer): Promise<OrderView> {
    const others = this.#viewers.get(viewer.orderId) ?? new Set();
    this.#viewers.set(viewer.orderId, others.add(viewer));
    await this.listen(); // first, or what changes between the two is seen only by the sweep
    const order = await this.#reads.add(viewer);
    if (order instanceof Error) throw order;
    return order;
  }

  leave(viewer: Viewer): void {
    const viewers = this.#viewers.get(viewer.orderId);
    viewers?.delete(viewer);
    if (viewers?.size === 0) this.#viewers.delete(viewer.orderId);
  }

  /** One sweep: makes good what was not heard. */
  async runOnce(): Promise<number> {
    void this.listen();
    await Promise.all(this.all().map((viewer) => this.refresh(viewer)));
    return 0;
  }

  /** For all who look, and those who come later get only how the order looks. */
  endAll(): void {
    this.#isEnding = true;
    for (const viewer of this.all()) viewer.end();
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** A hint that fails is made good by the sweep, which says so. */
  private hear(orderIds: readonly string[]): void {
    for (const orderId of orderIds) {
      for (const viewer of this.#viewers.get(orderId) ?? []) this.refresh(viewer).catch(() => undefined);
    }
  }

  /** Listens while somebody looks. Resolves when it does, or cannot: the next to come, or the sweep, tries again. */
  private listen(): Promise<void> {
    const isWanted = this.#viewers.size > 0;
    if (isWanted === this.#isListening) return this.#listening;
    this.#isListening = isWanted;
    const asking = isWanted
      ? this.subscriber.subscribe(ORDER_CHANGES_CHANNEL)
      : this.subscriber.unsubscribe(ORDER_CHANGES_CHANNEL);
    this.#listening = asking.then(
      () => undefined,
      () => void (this.#isListening = !isWanted),
    );
    return this.#listening;
  }

  private async refresh(viewer: Viewer): Promise<void> {
    const order = await this.#reads.add(viewer);
    if (order === ORDER_NOT_FOUND) viewer.end();
    else if (!(order instanceof Error)) viewer.show(order); // else it cannot be read now
  }

  private async read(viewers: readonly Viewer[]): Promise<(OrderView | Error)[]> {
    const stored = await this.reader.readStored(viewers);
    return Promise.all(viewers.map(async (viewer, index) => stored[index] ?? (await this.readQueued(viewer))));
  }

  private async readQueued(viewer: Viewer): Promise<OrderView | Error> {
    try {
      let queued = this.#queued.get(viewer);
      if (!queued || !this.reader.isOfThisEpoch(queued)) queued = await this.reader.findQueued(viewer);
      if (!queued) return ORDER_NOT_FOUND;
      this.#queued.set(viewer, queued);
      return this.reader.viewQueued(queued);
    } catch (error) {
      return error as Error;
    }
  }

  private all(): Viewer[] {
    return [...this.#viewers.values()].flatMap((viewers) => [...viewers]);
  }
}
