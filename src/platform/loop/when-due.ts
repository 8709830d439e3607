/** How often a loop of rare work looks whether it is due: a time between that is changed is in force as soon. */
export const LOOK_FOR_DUE_MS = 250;

/**
 * One pass of a loop whose time between two pieces of work may change while it waits.
 *
 * @param everyMs is asked at each look.
 * @returns does `work` at the first look, and when its last success is so long ago; answers 0, however much it did.
 */
export function whenDue(
  everyMs: () => number,
  work: (stopping: AbortSignal) => Promise<void>,
): (stopping: AbortSignal) => Promise<number> {
  let lastAt = -Infinity;
  return async (stopping) => {
    if (performance.now() - lastAt < everyMs()) return 0;
    await work(stopping);
    lastAt = performance.now();
    return 0;
  };
}
