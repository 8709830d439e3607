/** How long to leave the event loop to others between two looks. Short against anything a test waits for. */
const LOOK_EVERY_MS = 25;

/**
 * Waits for something that happens by itself: calls `check` until it neither throws nor returns `false`, and answers
 * what it returned. Throws the last failure once `withinMs` milliseconds are over.
 *
 * The only place in the tests that may wait for time.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs }: { withinMs: number },
): Promise<Exclude<T, false>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      const result = await check();
      if (result !== false) return result as Exclude<T, false>;
      throw new Error('the check still answers false');
    } catch (error) {
      if (Date.now() >= deadline) {
        throw new Error(`Not within ${withinMs} ms: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
    await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
  }
}
