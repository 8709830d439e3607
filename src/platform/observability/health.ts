import type { Redis } from 'ioredis';
import type { Pool } from 'pg';

export interface Health {
  status: 'up' | 'down';
  /** One entry for each thing this process cannot work without. */
  dependencies: Record<string, 'up' | 'down'>;
}

const ANSWER_WITHIN_MS = 1_000;

/** Asks everything that this process depends on. Answers within a second, whatever is broken. */
export async function checkHealth(pool: Pool, redis: Redis): Promise<Health> {
  const [postgres, redisAnswer] = await Promise.all([answers(pool.query('SELECT 1')), answers(redis.ping())]);
  const dependencies = { postgres, redis: redisAnswer };
  return { status: Object.values(dependencies).every((state) => state === 'up') ? 'up' : 'down', dependencies };
}

async function answers(question: Promise<unknown>): Promise<'up' | 'down'> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), ANSWER_WITHIN_MS);
  });
  try {
    await Promise.race([question, tooLate]);
    return 'up';
  } catch {
    return 'down';
  } finally {
    clearTimeout(timer);
  }
}
