import { crc32 } from 'node:zlib';

/**
 * The lane in which a buyer buys from a sale, for ever: a buyer's orders of one sale must meet in one script, and any
 * process must find them again. `sale.lanes` is the number of lanes of the sale, `stockLanes` that of the system.
 */
export function laneOf(sale: { saleId: string; lanes: number }, buyer: string, stockLanes: number): number {
  const offset = sale.lanes === 1 ? 0 : crc32(buyer) % sale.lanes;
  return stockLanes === 1 ? 0 : (crc32(sale.saleId) + offset) % stockLanes;
}

/** All lanes that carry a sale, ascending. */
export function lanesOf(saleId: string, saleLanes: number, stockLanes: number): number[] {
  const first = crc32(saleId);
  return Array.from({ length: saleLanes }, (_, offset) => (first + offset) % stockLanes).sort((a, b) => a - b);
}
