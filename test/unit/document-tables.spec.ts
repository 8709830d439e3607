import { readdirSync } from 'node:fs';
import { CHANGEABLE, variables } from '../../src/config/settings.js';
import { NEXT_STATUSES } from '../../src/orders/order-status.js';
import { settingName } from '../../src/settings/setting-names.js';
import { laneKeys, saleKeys } from '../../src/stock/stock-keys.js';
import { all, read, rowsOf, sectionOf, textOf } from '../support/documents.js';

describe('the tables of the documents', () => {
  it('of docs/GUARANTEES.md hold thirty guarantees, each with its means and a test', () => {
    const rows = rowsOf(read('docs/GUARANTEES.md'), /^G\d+$/);
    expect(rows.map(([name]) => name)).toEqual(Array.from({ length: 30 }, (_, index) => `G${index + 1}`));
    expect(rows.filter((row) => row.length !== 5)).toEqual([]);
    expect(rows.filter(([, promise, means, proof]) => !promise || !means || !proof?.includes('.spec.ts)'))).toEqual([]);
  });

  it('of docs/GUARANTEES.md answer fourteen questions about messages, each with its place in the code', () => {
    const rows = rowsOf(read('docs/GUARANTEES.md'), /^\d+$/);
    expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: 14 }, (_, index) => index + 1));
    expect(rows.filter(([, , where]) => !where?.includes('](../'))).toEqual([]);
  });

  it('of docs/ORDER-LIFECYCLE.md know every status, and no other', () => {
    const statuses = sectionOf(read('docs/ORDER-LIFECYCLE.md'), '## Statuses');
    expect(rowsOf(statuses, /^`\w+`$/).map(([status]) => status)).toEqual(
      ['queued', ...Object.keys(NEXT_STATUSES)].map((status) => `\`${status}\``),
    );
  });

  it('of docs/ORDER-LIFECYCLE.md name every place at which a test kills a process, and no other', () => {
    const rows = rowsOf(sectionOf(read('docs/ORDER-LIFECYCLE.md'), '## A crash here, and what happens next'), /./);
    const named = rows.flatMap(([, failpoint = '']) => all(failpoint, /^`([\w-]+)`$/g));
    const places = all(textOf('src', '.ts'), /\bfailpoint\('([\w-]+)'\)/g);
    expect([...new Set(named)].sort()).toEqual([...new Set(places)].sort());
  });

  it('of docs/ARCHITECTURE.md say of every dependency what it is for, and of no other', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, object>;
    const rows = rowsOf(sectionOf(read('docs/ARCHITECTURE.md'), '## Libraries'), /^`/);
    const named = rows.flatMap(([names = '']) => all(names, /`([^`]+)`/g));
    expect(named.sort()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).sort());
    expect(rows.filter(([, reason]) => !reason)).toEqual([]);
  });

  it('of docs/OPERATIONS.md have every setting that can be changed at run time, as it is declared, and no other', () => {
    const rows = rowsOf(sectionOf(read('docs/OPERATIONS.md'), '## Settings at run time'), /^`/);
    const declared = CHANGEABLE.map((variable) => {
      const schema = variables.shape[variable];
      return [`\`${settingName(variable)}\``, String(schema.parse(undefined)), schema.description];
    });
    expect(rows).toEqual(declared);
  });

  it('of docs/PROTOCOL.md spell every Redis key as the code does', () => {
    const spelled = all(read('docs/PROTOCOL.md'), /^\| `(\{lane:L\}\S*)`/gm);
    const keys = [laneKeys(7), saleKeys(7, 'S')].flatMap((names) => Object.values(names));
    expect(spelled.map((key) => key.replace('L', '7').replace('<saleId>', 'S')).sort()).toEqual(keys.sort());
  });

  it('of docs/PROTOCOL.md have every table of Postgres, and no other', () => {
    const named = rowsOf(sectionOf(read('docs/PROTOCOL.md'), '## State'), /^`\w+`$/).map(([name]) => name);
    const made = all(textOf('prisma/migrations', '.sql'), /^CREATE TABLE (\w+)/gm);
    expect(named.sort()).toEqual(made.map((name) => `\`${name}\``).sort());
  });

  it('of docs/decisions list every decision, numbered without a gap', () => {
    const files = readdirSync('docs/decisions').filter((name) => name !== 'README.md');
    expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
    expect(all(read('docs/decisions/README.md'), /\((\d{4}-[\w-]+\.md)\)/g)).toEqual(files);
  });
});

describe('a decision', () => {
  const decisions = readdirSync('docs/decisions').filter((name) => name !== 'README.md');

  it.each(decisions)('has a context, a choice, what was rejected, and a price: %s', (name) => {
    const headings = all(read(`docs/decisions/${name}`), /^## (.+)$/gm);
    expect(headings).toEqual(['Context', 'Choice', 'Rejected', 'Price']);
  });
});
