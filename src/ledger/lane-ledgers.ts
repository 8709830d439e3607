import type { LaneLedger } from './lane-ledger.js';

/** The ledgers of all lanes of the system, by lane. */
export class LaneLedgers extends Map<number, LaneLedger> {}
