/**
 * A lane's version counts its decisions, and carries the epoch it belongs to: epoch e starts at e x 10^12. So versions
 * are unique, only rise, and one comparison tells older from newer (docs/PROTOCOL.md).
 */
export const VERSIONS_PER_EPOCH = 1_000_000_000_000;

export const baseOf = (epoch: number): number => epoch * VERSIONS_PER_EPOCH;

export const epochOf = (version: number): number => Math.floor(version / VERSIONS_PER_EPOCH);

/** How many decisions of its epoch came up to and with this one. */
export const ordinalOf = (version: number): number => version % VERSIONS_PER_EPOCH;
