import type { Entry, Lane } from './lane.js';

/** What a worker does to the stream of a lane. Each function is one script or one MULTI. */

export interface Taken {
  /** The Redis that gave these entries. */
  runId: string;
  /** What that Redis knows to be recorded. */
  known?: { epoch: number; recorded: number };
  orders: readonly Entry['order'][];
}

/** Entries that nobody has been given, or all that others have and have not acknowledged: those are taken over. */
export function take(lane: Lane, which: 'unread' | 'pending'): [Lane, Taken] {
  const orders = lane.stream.filter(({ is }) => is === which).map(({ order }) => order);
  const { serverRunId: runId, epoch, recorded } = lane;
  const taken =
    epoch === undefined || recorded === undefined ? { runId, orders } : { runId, orders, known: { epoch, recorded } };
  if (which === 'pending' || orders.length === 0) return [lane, taken];
  return [
    { ...lane, stream: lane.stream.map((entry) => (entry.is === which ? { ...entry, is: 'pending' } : entry)) },
    taken,
  ];
}

export interface Acknowledgement {
  orderIds: readonly string[];
  /** Under which they were stored, and what Postgres has recorded of it. */
  epoch: number;
  recorded: number;
}

/** Strikes stored entries off, and notes how far Postgres has recorded this epoch. */
export function acknowledge(lane: Lane, { orderIds, epoch, recorded }: Acknowledgement): Lane {
  return raiseRecorded(strikeOff(lane, orderIds), { epoch, recorded });
}

/** Strikes entries off: those that are pending. What is not there was lost, or is struck off already. */
export function strikeOff(lane: Lane, orderIds: readonly string[]): Lane {
  const isMeant = ({ is, order }: Entry) => is === 'pending' && orderIds.includes(order.orderId);
  if (!lane.stream.some(isMeant)) return lane;
  return { ...lane, stream: lane.stream.map((entry) => (isMeant(entry) ? { ...entry, is: 'acknowledged' } : entry)) };
}

/** Never lowers it: two workers may speak in either order. */
export function raiseRecorded(lane: Lane, { epoch, recorded }: { epoch: number; recorded: number }): Lane {
  if (lane.epoch !== epoch || lane.recorded === undefined || lane.recorded >= recorded) return lane;
  return { ...lane, recorded };
}

/** Forgets what no one will be given again. */
export function trim(lane: Lane): Lane {
  const stream = lane.stream.filter(({ is }) => is !== 'acknowledged');
  return stream.length === lane.stream.length ? lane : { ...lane, stream };
}
