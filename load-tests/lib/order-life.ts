import http from 'k6/http';
import { countFinished, ordersRefunded, refundsMissing } from './figures.ts';
import { eventually } from './eventually.ts';
import { cancelOrder, type Order, readOrder } from './orders.ts';
import { orderIdOf } from './order-until-decided.ts';

/** What a buyer reads of an order (contract: Order). */
export interface OrderView {
  status: string;
  paymentUrl: string | null;
  refund: null | { status: 'due' | 'done' };
}

const FINAL = ['paid', 'expired', 'cancelled', 'rejected'];

/** An accepted order, and its buyer who looks what becomes of it. */
export class OrderLife {
  readonly #orderId: string;
  readonly #acceptedAtMs = Date.now();
  #last: OrderView | undefined;

  /** @param body of the 202. */
  constructor(
    private readonly order: Order,
    body: string,
  ) {
    this.#orderId = orderIdOf(body);
  }

  /** What was read last. */
  get last(): OrderView | undefined {
    return this.#last;
  }

  /** Reads the order until it is so; false when it is not within that time. An answer that is no order is read past. */
  becomes(isSo: (order: OrderView) => boolean, withinSeconds: number): boolean {
    return eventually(withinSeconds, () => {
      const response = readOrder(this.order.buyer, this.#orderId);
      if (response.status !== 200) return false;
      this.#last = JSON.parse(response.body) as OrderView;
      return isSo(this.#last);
    });
  }

  /** Waits for the final status, and counts it. */
  untilFinished(withinSeconds: number): void {
    this.becomes(({ status }) => FINAL.includes(status), withinSeconds);
    countFinished(this.#last?.status, this.order.quantity, this.#acceptedAtMs);
  }

  /** Money that comes too late goes back: waits whether some comes, and if it does, until it is back. */
  untilRefunded(withinSeconds: number): void {
    this.becomes(({ refund }) => refund?.status === 'done', withinSeconds);
    if (this.#last?.refund?.status === 'done') ordersRefunded.add(1);
    if (this.#last?.refund?.status === 'due') refundsMissing.add(1);
  }

  /** The button on the page that the payment link leads to. */
  pay(withinSeconds: number): boolean {
    return eventually(withinSeconds, () => {
      const url = `${this.#last?.paymentUrl ?? ''}/approve`;
      return http.post(url, null, { redirects: 0, tags: { name: 'pay' } }).status === 303;
    });
  }

  cancel(withinSeconds: number): boolean {
    return eventually(withinSeconds, () => cancelOrder(this.order.buyer, this.#orderId).status === 202);
  }
}
