import type { OrderStream } from './order-stream.js';

/** The streams of all lanes of the system, by lane. */
export class OrderStreams extends Map<number, OrderStream> {}
