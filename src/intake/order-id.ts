import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** One call to the system's random source costs as much as the rest of an id; it fills this for 256 of them. */
const pool = new Uint8Array(4096);
const BYTES_PER_ID = 16;
let used = pool.length;

/** A UUIDv7 (RFC 9562): sorts by the time it was made, and needs no allocated worker number to be unique. */
export function newOrderId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += BYTES_PER_ID;
  return v7({ random: pool.subarray(used - BYTES_PER_ID, used) });
}
