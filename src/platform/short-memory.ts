/** Entries kept at most; the oldest makes room. Bounds what clients can make a process remember. */
const ENTRIES_MAX = 10_000;

/**
 * Remembers answers for a moment, so that a crowd that asks the same thing at once costs one answer. Those who ask while
 * it is being made wait for the same one. A failure is not remembered.
 */
export class ShortMemory<T> {
  readonly #answers = new Map<string, { answer: Promise<T>; untilMs: number }>();

  constructor(private readonly forMs: number) {}

  get(key: string, make: () => Promise<T>): Promise<T> {
    const now = performance.now();
    const remembered = this.#answers.get(key);
    if (remembered && remembered.untilMs > now) return remembered.answer;

    const answer = make();
    answer.catch(() => this.#answers.delete(key));
    this.#answers.delete(key);
    if (this.#answers.size >= ENTRIES_MAX) this.#answers.delete(this.#answers.keys().next().value as string);
    this.#answers.set(key, { answer, untilMs: now + this.forMs });
    return answer;
  }
}
