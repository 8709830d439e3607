import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = join(__dirname, 'start-server.ts');

/** A server whose parent is a process of its own. */
export interface ServerElsewhere {
  pid: number;
  port: number;
  url: string;
  /** kill -9; the server stays behind. */
  killParent(): Promise<void>;
}

/** Starts a server from a process of its own, as this user or another. Rejects with what the process says when it fails. */
export async function startInAnotherProcess(
  kind: 'postgres' | 'redis',
  directory: string,
  user?: { uid: number; gid: number },
): Promise<ServerElsewhere> {
  const parent = spawn(process.execPath, ['--import', 'tsx', PROGRAM, kind, directory], {
    cwd: join(__dirname, '../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  const ended = once(parent, 'exit');
  let complaint = '';
  parent.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const [line] = (await Promise.race([
    once(createInterface({ input: parent.stdout }), 'line'),
    ended.then(() => Promise.reject(new Error(complaint))),
  ])) as [string];
  return {
    ...(JSON.parse(line) as { pid: number; port: number; url: string }),
    killParent: async () => {
      parent.kill('SIGKILL');
      await ended;
    },
  };
}

/** Whether a process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
