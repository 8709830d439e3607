/** `npm run env-example`: writes .env.example from what src/config/settings.ts declares. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLONE, giveUp, prepare } from './prepare.mjs';

async function main() {
  await prepare();
  const { envExample } = await import('../dist/config/env-example.js');
  writeFileSync(join(CLONE, '.env.example'), envExample());
}

await main().catch(giveUp);
