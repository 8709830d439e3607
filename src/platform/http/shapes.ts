import { z } from 'zod';

/** What bodies are made of, whatever they say. Answers are not checked against these at run time: they type them, and describe them. */

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const identifier = z
  .string()
  .regex(UUID)
  .meta({ format: 'uuid', examples: ['0199f3a2-5b1c-7d4e-8f60-718293a4b5c6'] });

/** RFC 3339 in UTC. */
export const instant = z.string().meta({ format: 'date-time', examples: ['2026-11-27T08:00:00.000Z'] });

/** Zero or more of what can be counted. */
export const count = z.int().min(0);
