import { sleep } from 'k6';

const PAUSE_SECONDS_MIN = 0.1;
const PAUSE_SECONDS_MAX = 2;

/** Whether it becomes true within that time. Looks at once, and then less and less often: every 2 s in the end. */
export function eventually(withinSeconds: number, isTrue: () => boolean): boolean {
  const giveUpAt = Date.now() + withinSeconds * 1000;
  for (let pause = PAUSE_SECONDS_MIN; !isTrue(); pause = Math.min(1.5 * pause, PAUSE_SECONDS_MAX)) {
    if (Date.now() > giveUpAt) return false;
    sleep(pause);
  }
  return true;
}
