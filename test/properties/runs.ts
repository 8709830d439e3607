import fc from 'fast-check';

/** Shrinking may take long; a property that fails must say its seed before jest gives it up. */
const SAY_AFTER_MS = 50_000;
export const GIVE_UP_AFTER_MS = 60_000;

/**
 * Runs a property a fixed number of times, from a seed of its own each time unless one is given. A failure names its
 * seed; FAST_CHECK_SEED=<seed> walks the same way again.
 */
export async function holds<T>(
  property: fc.IAsyncProperty<T>,
  numRuns: number,
  seed = process.env.FAST_CHECK_SEED,
): Promise<void> {
  await fc.assert(property, {
    numRuns,
    interruptAfterTimeLimit: SAY_AFTER_MS,
    markInterruptAsFailure: true,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });
}

/**
 * Whether an expectation of a property fails within a number of runs; always the same ones, so that the answer is
 * always the same. A script that does not even run refutes nothing.
 */
export async function isRefuted<T>(property: fc.IAsyncProperty<T>, numRuns: number): Promise<boolean> {
  const { failed, errorInstance } = await fc.check(property, { numRuns, seed: 1, endOnFailure: true });
  if (failed && !(errorInstance instanceof Error && 'matcherResult' in errorInstance)) throw errorInstance;
  return failed;
}
