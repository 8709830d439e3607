import { readFileSync } from 'node:fs';
import { envExample } from '../../src/config/env-example.js';

const written = readFileSync('.env.example', 'utf8');
const [, ofCompose = ''] = written.split('# --- docker-compose.yml only');

const assignments = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

describe('.env.example', () => {
  it('is what `npm run env-example` makes of the settings', () => {
    expect(written).toBe(envExample());
  });

  it('lists, without a value, every secret that docker-compose.yml asks for', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8');
    const asked = new Set([...compose.matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name));
    const listed = assignments(written);
    for (const name of asked) expect({ name, value: listed[name ?? ''] }).toEqual({ name, value: '' });
    expect([...asked]).toEqual(expect.arrayContaining(Object.keys(assignments(ofCompose))));
  });
});
