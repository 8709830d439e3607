import { z } from 'zod';
import { variables } from './settings.js';

/** `.env.example`, made of what is declared in settings.ts: `npm run env-example` writes it. */

const WIDTH = 120;

const HEAD = `Every setting of the roles (api, worker, all, migrate), with its default. Empty means not set; what says "Required" has no default. Made by \`npm run env-example\` from src/config/settings.ts.
\`npm start\` needs none of them. For single processes: node --env-file=.env dist/main api`;

const OF_COMPOSE = `
# --- docker-compose.yml only: it makes DATABASE_URL, REDIS_URL and QUEUE_REDIS_URL of them ---

# Required by compose: passwords made of A-Z a-z 0-9, since they become part of an address. One way: openssl rand -hex 24
POSTGRES_PASSWORD=
REDIS_PASSWORD=
`;

export function envExample(): string {
  const written = Object.entries(variables.shape).map(([name, schema]) => {
    const { data } = schema.safeParse(undefined);
    const text = commentOf(name, schema);
    return `${text === undefined ? '' : `\n${comment(text)}`}${name}=${data === undefined ? '' : String(data)}\n`;
  });
  return [...HEAD.split('\n').map(comment), ...written, OF_COMPOSE].join('');
}

/** Undefined for one that is described together with the one before it. */
function commentOf(name: string, schema: z.ZodType): string | undefined {
  const { description } = schema;
  if (description === undefined) return undefined;
  const isRequired = !schema.safeParse(undefined).success;
  return `${isRequired ? 'Required: ' : ''}${description}${boundsOf(name, schema)}.`;
}

function boundsOf(name: string, schema: z.ZodType): string {
  const { minimum, maximum, enum: words } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' });
  if (words) return `. One of ${words.join(', ')}`;
  if (minimum === undefined || maximum === undefined || name.endsWith('PORT')) return '';
  const unit = /_(MS|SECONDS)(_MAX)?$/.exec(name)?.[1];
  return `, ${minimum} to ${maximum}${unit === undefined ? '' : { MS: ' ms', SECONDS: ' s' }[unit]}`;
}

/** Broken at spaces. */
function comment(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line.length + word.length + 3 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `# ${line}\n`).join('');
}
