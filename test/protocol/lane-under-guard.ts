import { baseOf } from '../../src/stock/version.js';
import type { Lane, Order, Sale } from './lane.js';

/** What a guard may write to a lane, and when. Each function is one script; one that refuses returns the very same lane. */

/** Under what a guard rebuilds: the token under which it has closed the lane, on the Redis that has confirmed it. */
export interface Rebuild {
  token: number;
  runId: string;
}

/** A guard closes the lane; false when a newer one was here. */
export function close(lane: Lane, token: number): [Lane, boolean] {
  return token < lane.guardToken ? [lane, false] : [{ ...lane, state: 'closed', guardToken: token }, true];
}

const isBeingRebuilt = ({ state, guardToken, serverRunId }: Lane, { token, runId }: Rebuild) =>
  state === 'closed' && guardToken === token && serverRunId === runId;

/** Whether what a guard reads is of the Redis on which it has closed the lane. */
export const isStillThere = ({ serverRunId }: Lane, { runId }: Rebuild): boolean => serverRunId === runId;

/** A guard puts a sale in place of what was there, without its buyers. */
export function writeSale(lane: Lane, by: Rebuild, terms: Pick<Sale, 'total' | 'configuration'>): [Lane, boolean] {
  return isBeingRebuilt(lane, by) ? [{ ...lane, sale: { ...terms, orders: [] } }, true] : [lane, false];
}

/** A guard adds some of the buyers, each once and with all orders. */
export function writeBuyers(lane: Lane, by: Rebuild, orders: readonly Order[]): [Lane, boolean] {
  if (!isBeingRebuilt(lane, by) || !lane.sale) return [lane, false];
  return [{ ...lane, sale: { ...lane.sale, orders: [...lane.sale.orders, ...orders] } }, true];
}

/** A guard opens the lane that it has closed, at the start of an epoch in which `recorded` orders are given back already. */
export function open(lane: Lane, by: Rebuild, epoch: { epoch: number; recorded: number }): [Lane, boolean] {
  if (!isBeingRebuilt(lane, by)) return [lane, false];
  const version = baseOf(epoch.epoch) + epoch.recorded;
  return [{ ...lane, state: 'open', ...epoch, version, runId: by.runId, ends: {}, lost: undefined }, true];
}

export interface Compared {
  epoch: number;
  version: number;
  /** The Redis that Postgres has taken over. */
  runId: string;
}

/** A guard lets a lane with unchanged data decide on another Redis. */
export function arm(lane: Lane, token: number, compared: Compared): [Lane, boolean] {
  const { state, epoch, version, runId, serverRunId, lost } = lane;
  const isAsCompared =
    state === 'open' && epoch === compared.epoch && version === compared.version && serverRunId === compared.runId;
  if (!isAsCompared || lost !== undefined || token < lane.guardToken) return [lane, false];
  const ends = runId === undefined || runId === serverRunId ? lane.ends : { ...lane.ends, [runId]: version };
  return [{ ...lane, runId: serverRunId, ends, guardToken: token }, true];
}
