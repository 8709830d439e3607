const armed = new Set<string>();

/** Names the places at which this process is to die. For tests of crashes: refused in production (FAILPOINTS). */
export function armFailpoints(names: readonly string[]): void {
  for (const name of names) armed.add(name);
}

/** A place between two writes. Does nothing, unless a test has armed it: then it is the last thing this process does. */
export function failpoint(name: string): void {
  if (armed.has(name)) process.kill(process.pid, 'SIGKILL');
}
