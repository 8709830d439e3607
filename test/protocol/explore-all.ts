/**
 * The large exploration: `npm run explore` prints what docs/EXPLORER.md shows, as Markdown. Some minutes.
 *
 *   --trace <words of a twin's name>   the whole way to its violation, and nothing else
 *   --only <words of a configuration>  one configuration, and no twins
 */
import { parseArgs } from 'node:util';
import { TWINS, wishesOf } from './broken-twins.js';
import { type Configuration, LARGE, SMALL } from './configurations.js';
import { explore } from './explore.js';
import type { Bounds } from './system.js';
import { print } from './trace.js';

const { values: wished } = parseArgs({ options: { trace: { type: 'string' }, only: { type: 'string' } } });

/** Memory for about this many states is there on any machine: 200 bytes each. */
const STATES_MAX = 8_000_000;

function inWords({ total, buyers, duplicates, ...bounds }: Bounds): string {
  const { apis, workers, guards, expires, pays, faults, kinds, copies, epochMax } = bounds;
  const asks = Object.entries(buyers).map(([buyer, orders]) => (orders > 1 ? `${buyer} ${orders}×` : buyer));
  return [
    `${total} unit${total > 1 ? 's' : ''}`,
    `buyers ${asks.join(', ')}${duplicates.length > 0 ? ` (${duplicates.join(', ')} asks again)` : ''}`,
    `${apis} api, ${workers} worker, ${guards} guard`,
    ...(expires.length > 0 ? [`orders of ${expires.join(', ')} expire${pays ? ' or are paid' : ''}`] : []),
    faults === 0 ? 'no fault' : `${faults} of ${kinds.join(', ')}`,
    ...(kinds.includes('older copy') ? [`${copies} copy`] : []),
    `${epochMax} epochs`,
  ].join('; ');
}

function row(name: string, configuration: Configuration): string {
  const { states, isComplete, violation, seconds } = explore({ ...configuration, statesMax: STATES_MAX });
  if (violation) console.error(`\n${name}\n${print(violation)}\n`);
  const count = `${states.toLocaleString('en')}${isComplete ? '' : ' (not all)'}`;
  const found = violation
    ? violation.promise
    : configuration.promises
      ? `none of ${configuration.promises.length}`
      : 'none';
  return `| ${name} | ${inWords(configuration.bounds)} | ${count} | ${found} | ${seconds.toFixed(1)} |`;
}

function printTrace(words: string): void {
  const [name, twin] = Object.entries(TWINS).find(([one]) => one.includes(words)) ?? [];
  if (!twin) throw new Error(`No twin is called '${words}'. There are:\n${Object.keys(TWINS).join('\n')}`);
  const { violation } = explore(wishesOf(twin));
  console.log(`${name ?? ''}\n\n${violation ? print(violation) : 'is not refuted'}`);
}

function printTables(only: string | undefined): void {
  console.log('| configuration | bounds | states | violations | seconds |\n| --- | --- | ---: | --- | ---: |');
  for (const [name, configuration] of Object.entries({ ...SMALL, ...LARGE })) {
    if (name.includes(only ?? '')) console.log(row(name, configuration));
  }
  if (only !== undefined) return;
  console.log('\n| broken twin | breaks | steps | states |\n| --- | --- | ---: | ---: |');
  for (const [name, twin] of Object.entries(TWINS)) {
    const { states, violation } = explore(wishesOf(twin));
    const steps = (violation?.trace.length ?? 1) - 1;
    console.log(`| ${name} | ${violation?.promise ?? 'nothing'} | ${steps} | ${states.toLocaleString('en')} |`);
  }
}

if (wished.trace === undefined) printTables(wished.only);
else printTrace(wished.trace);
