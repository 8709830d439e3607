export interface Held {
  /** Resolves when the method is called. */
  isReached: Promise<void>;
  /** Lets it run. */
  release: () => void;
}

/** Stops the next call of a method before it does anything, as if its process had been paused right there. */
export function hold(target: object, method: string): Held {
  let reach: () => void = () => undefined;
  let release: () => void = () => undefined;
  const isReached = new Promise<void>((resolve) => (reach = resolve));
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  const original = (target as Record<string, (...args: unknown[]) => unknown>)[method];
  const paused = async (...args: unknown[]) => {
    reach();
    await isReleased;
    return original?.apply(target, args);
  };
  jest.spyOn(target as never, method as never).mockImplementationOnce(paused as never);
  return { isReached, release };
}
