import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Runs a compiled program to its end, with this environment and nothing else. @returns its exit code, and what it said on stderr, by lines. */
export async function exitOf(
  program: readonly string[],
  environment: Record<string, string>,
): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, program, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, ...environment },
  });
  const [[code], said] = await Promise.all([once(child, 'exit') as Promise<[number | null]>, text(child.stderr)]);
  return { code, lines: said.trimEnd().split('\n') };
}
