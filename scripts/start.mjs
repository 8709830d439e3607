/** `npm start`: prepares the clone, then starts everything (src/launcher.ts). */
import { giveUp, prepare } from './prepare.mjs';

await prepare().catch(giveUp);
await import('../dist/launcher.js');
