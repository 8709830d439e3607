import { crc32 } from 'node:zlib';

/**
 * The lane in which a buyer buys from a sale, for ever: a buyer's orders of one sale must meet in one script, and any
 * process must find them again. `saleLanes` is the number of lanes of the sale, `stockLanes` that of the system.
 */
export function laneOf(saleId: string, buyer: string, saleLanes: number, stockLanes: number): number {
  const offset = saleLanes === 1 ? 0 : crc32(buyer) % saleLanes;
  return stockLanes === 1 ? 0 : (crc32(saleId) + offset) % stockLanes;
}

/** All lanes that carry a sale, ascending. */
export function lanesOf(saleId: string, saleLanes: number, stockLanes: number): number[] {
  const first = crc32(saleId);
  return Array.from({ length: saleLanes }, (_, offset) => (first + offset) % stockLanes).sort((a, b) => a - b);
}
