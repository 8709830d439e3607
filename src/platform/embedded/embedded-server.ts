/** How a process ended: exactly one of the two is set, neither when it could not be started at all. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A database server of our own that answers on 127.0.0.1. */
export interface EmbeddedServer {
  /** Carries the password: never log it. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server ended, for whatever reason. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Ends it in order: clients are cut off, everything acknowledged is on disk. SIGKILL when it takes too long. */
  stop(): Promise<void>;
  /** Ends it as a power cut would (SIGKILL), and resolves when no process of it is left. For fault tests. */
  kill(): Promise<void>;
}
