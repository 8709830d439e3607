import type { Wishes } from './explore.js';
import { protocol, type Protocol } from './protocol.js';
import type { Bounds, Emit, System } from './system.js';
import { TWINS_THAT_DECIDE } from './twins-that-decide.js';
import { TWINS_THAT_GUARD } from './twins-that-guard.js';
import { TWINS_THAT_RECORD } from './twins-that-record.js';

/** The protocol with one rule broken, and how that is found out. */
export interface Twin {
  bounds: Bounds;
  rules?: Partial<Protocol>;
  /** Steps that only the twin has. */
  more?: (system: System, emit: Emit) => void;
  /** Those that are looked at: all, unless some are named. */
  promises?: readonly string[];
  /** The promise that breaks first, and the steps of the shortest way there. */
  breaks: string;
  steps: number;
  /** Takes more than a second or two to be found out. */
  isSlow?: true;
}

export const TWINS: Record<string, Twin> = { ...TWINS_THAT_DECIDE, ...TWINS_THAT_RECORD, ...TWINS_THAT_GUARD };

export const wishesOf = ({ bounds, rules, more, promises }: Twin): Wishes => ({
  bounds,
  rules: { ...protocol, ...rules },
  ...(more ? { more } : {}),
  ...(promises ? { promises } : {}),
});
