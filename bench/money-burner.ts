/** How long it works and rests together. */
const TURN_MS = 10;

/**
 * Uses so much of a core (0 to 1) as its argument says, and nothing else: what other processes lose by it, they lose by
 * sharing the cores. As somebody who has work to do, it makes up for no turn in which it was kept waiting.
 */
const share = Number(process.argv[2]);

function turn(): void {
  const startUs = usedUs();
  while (usedUs() - startUs < share * TURN_MS * 1_000);
  setTimeout(turn, (1 - share) * TURN_MS);
}

function usedUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

turn();
process.send?.('ready');
process.once('disconnect', () => process.exit(0));
