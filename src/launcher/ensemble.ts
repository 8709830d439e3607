import type { Running } from '../platform/embedded/child-end.js';
import { KeepRunning, type Supervision } from '../platform/embedded/keep-running.js';

/**
 * The child processes of one `npm start`, kept running until they are stopped in the order of `order`, front to back:
 * what takes requests ends first, what keeps data last.
 */
export class Ensemble<Name extends string> {
  readonly #members = new Map<Name, KeepRunning<Running>>();
  #closed = false;

  constructor(private readonly order: readonly Name[]) {}

  /** Starts a child and keeps it running. Throws what its first start throws, and once the ensemble is being stopped. */
  async add<Child extends Running>(name: Name, supervision: Supervision<Child>): Promise<Child> {
    if (this.#closed) throw new Error(`${name} is not started any more: everything is being stopped`);
    const member = new KeepRunning(supervision);
    this.#members.set(name, member);
    return member.start();
  }

  async stop(onStop: (name: Name) => void): Promise<void> {
    this.#closed = true;
    for (const name of this.order) {
      const member = this.#members.get(name);
      if (!member) continue;
      onStop(name);
      await member.stop();
    }
  }

  async kill(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#members.values()].map((member) => member.kill()));
  }
}
