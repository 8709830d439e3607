import { isRedisAway } from './errors.js';

const ATTEMPTS_MAX = 6;
const WAIT_MS = 250;

/**
 * Says it again while Redis pauses (a slow fsync, a fork), for up to some 6 s. Only for what may run twice: what timed out
 * may have run.
 *
 * @throws the last error.
 */
export async function throughPauses<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isRedisAway(error) || attempt === ATTEMPTS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
}
