/**
 * The two pages as people use them, in Chromium, on a Stampede of its own: `npm run browser [-- --pictures DIRECTORY]`.
 * By hand, for it needs a browser (CHROMIUM, else /usr/bin/chromium), which `npm test` does not.
 *
 * Promises:  each sentence that is printed was seen to be true; one that is not, or a complaint of a page, ends it with 1.
 */
import { parseArgs } from 'node:util';
import { opsSteps } from './ops.mjs';
import { Pages } from './pages.mjs';
import { shopSteps } from './shop.mjs';
import { Stampede } from './stampede.mjs';

const { values } = parseArgs({ options: { pictures: { type: 'string' } } });
const stampede = await Stampede.start();
const pages = await Pages.open(values.pictures);
let failed = 0;
try {
  for (const [sentence, step] of Object.entries({ ...shopSteps, ...opsSteps })) {
    try {
      await step({ stampede, pages });
      console.log(`  ✓ ${sentence}`);
    } catch (error) {
      failed++;
      console.log(`  ✗ ${sentence}\n${String(error)}`);
    }
  }
  for (const complaint of pages.complaints) console.log(`  a page complained: ${complaint}`);
} finally {
  await pages.close();
  await stampede.stop();
}
process.exitCode = failed + pages.complaints.length > 0 ? 1 : 0;
