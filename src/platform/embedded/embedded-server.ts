import type { Running } from './child-end.js';

/** A database server of our own that answers on 127.0.0.1. */
export interface EmbeddedServer extends Running {
  /** Carries the password: never log it. */
  readonly url: string;
  readonly port: number;
}
