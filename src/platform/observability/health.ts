import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { z } from 'zod';

const state = z.enum(['up', 'down']);

export const healthShape = z
  .object({
    status: state,
    dependencies: z
      .record(z.string(), state)
      .optional()
      .meta({ description: 'One entry for each thing this process cannot work without' }),
  })
  .meta({ id: 'Health', examples: [{ status: 'up', dependencies: { postgres: 'up', redis: 'up' } }] });
export type Health = Required<z.infer<typeof healthShape>>;

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
