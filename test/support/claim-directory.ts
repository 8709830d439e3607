/** A process that claims the directory it is given, and keeps it until it is killed. */
import { claim } from '../../src/platform/embedded/single-instance.js';

void claim(process.argv[2] ?? '', () => ({ pid: process.pid }));
setInterval(() => undefined, 60_000);
