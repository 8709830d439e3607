/** Orders named one by one; the rest is a number. */
const NAMED_MAX = 100;

/** Orders of which the same is wrong: all are counted, some are named, so that a million of them stay readable, and cheap. */
export class NamedOrders {
  readonly ids: string[] = [];
  #count = 0;

  add(orderId: string): void {
    this.#count += 1;
    if (this.ids.length < NAMED_MAX) this.ids.push(orderId);
  }

  get count(): number {
    return this.#count;
  }
}
