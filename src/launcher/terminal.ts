/** Where the times stand. */
const TIME_COLUMN = 52;

/** What `npm start` says. One line per step, with its time; nothing else while all goes well. */
export class Terminal {
  #lineOpen = false;
  #stepsEnded = false;

  constructor(private readonly out: NodeJS.WritableStream) {
    out.on('error', () => undefined); // a closed terminal must not keep us from stopping in order
  }

  /** Shows the label at once and the time it took at the end; answers what `work` answers. */
  async step<T>(label: string, work: () => Promise<T>): Promise<T> {
    const startedAt = Date.now();
    this.out.write(`  ${label} `);
    this.#lineOpen = true;
    const result = await work();
    if (this.#stepsEnded) return result;
    this.#endStep(label, `${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    return result;
  }

  #endStep(label: string, time: string): void {
    if (this.#lineOpen) this.out.write(`${'.'.repeat(Math.max(3, TIME_COLUMN - label.length))} ${time}\n`);
    else this.out.write(`  ${label}: done after ${time}\n`);
    this.#lineOpen = false;
  }

  say(text = ''): void {
    this.out.write(`${this.#lineOpen ? '\n' : ''}${text}\n`);
    this.#lineOpen = false;
  }

  /** From here on a step that is still under way ends unseen. */
  endSteps(): void {
    this.#stepsEnded = true;
    if (this.#lineOpen) this.out.write('\n');
    this.#lineOpen = false;
  }
}
