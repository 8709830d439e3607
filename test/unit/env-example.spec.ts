import { readFileSync } from 'node:fs';
import { variables } from '../../src/config/settings.js';

const COMPOSE_ONLY = '# --- docker-compose.yml only';

const [ofSettings = '', ofCompose = ''] = readFileSync('.env.example', 'utf8').split(COMPOSE_ONLY);

const assignments = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

/** As a variable would have to be written; empty for what has no default. */
function defaults(): Record<string, string> {
  const written = Object.entries(variables.shape).map(([name, schema]) => {
    const { data } = schema.safeParse(undefined);
    return [name, data === undefined ? '' : String(data)];
  });
  return Object.fromEntries(written) as Record<string, string>;
}

describe('.env.example', () => {
  it('lists every setting with its default, and no other', () => {
    expect(assignments(ofSettings)).toEqual(defaults());
  });

  it('says of every setting without a default whether it is required', () => {
    for (const [name, schema] of Object.entries(variables.shape)) {
      const comment = new RegExp(`((?:^#.*\\n)+)${name}=$`, 'm').exec(ofSettings)?.[1] ?? '';
      const isRequired = !schema.safeParse(undefined).success;
      expect({ name, isRequired: comment.includes('# Required') }).toEqual({ name, isRequired });
    }
  });

  it('lists, without a value, every secret that docker-compose.yml asks for', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8');
    const asked = new Set([...compose.matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name));
    const listed = { ...assignments(ofSettings), ...assignments(ofCompose) };
    for (const name of asked) expect({ name, value: listed[name ?? ''] }).toEqual({ name, value: '' });
    expect([...asked]).toEqual(expect.arrayContaining(Object.keys(assignments(ofCompose))));
  });
});
