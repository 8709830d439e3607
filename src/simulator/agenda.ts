/** Node fires a timer at once that is asked to wait for longer. */
const TIMER_MS_MAX = 2_147_483_647;

/** What is to be done later. All of it can be given up at once, so that nothing holds a process that stops. */
export class Agenda {
  #closed = false;
  readonly #given = new Map<NodeJS.Timeout, () => void>();

  /** At once when the time is over. What is given up is not done; a start on the same journal arms it again. */
  at(timeMs: number, action: () => void): void {
    this.arm(timeMs, { action, whenGivenUp: () => undefined });
  }

  /** Resolves early when the agenda is closed: whoever waits has something to finish. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.arm(Date.now() + ms, { action: resolve, whenGivenUp: resolve }));
  }

  close(): void {
    this.#closed = true;
    for (const [timer, whenGivenUp] of this.#given) {
      clearTimeout(timer);
      whenGivenUp();
    }
    this.#given.clear();
  }

  private arm(timeMs: number, entry: { action: () => void; whenGivenUp: () => void }): void {
    if (this.#closed) return entry.whenGivenUp();
    const leftMs = timeMs - Date.now();
    const timer = setTimeout(
      () => {
        this.#given.delete(timer);
        if (leftMs > TIMER_MS_MAX) this.arm(timeMs, entry);
        else entry.action();
      },
      Math.min(Math.max(leftMs, 0), TIMER_MS_MAX),
    );
    this.#given.set(timer, entry.whenGivenUp);
  }
}
